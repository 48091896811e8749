// SPDX-License-Identifier: AGPL-3.0-only
// Sets of texts with limits of length, which would cost a copy of the states for each length.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/dfa_builder.h"
#include "core/grammar/regular/length_window.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// The texts that are in both.
struct TextSet {
  Dfa texts = Dfa::All();
  LengthWindow length;
};
inline bool operator==(const TextSet& x, const TextSet& y) {
  return x.texts == y.texts && x.length == y.length;
}
inline bool operator!=(const TextSet& x, const TextSet& y) { return !(x == y); }

bool Contains(const TextSet& set, std::string_view utf8);  // false for malformed UTF-8

// Exact, unless the lengths of `texts` follow a pattern with a period beyond any use; then false.
bool IsEmpty(const TextSet& set);

Result<TextSet> Intersection(const TextSet& x, const TextSet& y, const DfaLimits& limits = {});

// Sets whose union is everything that is not in `set`; they may overlap. At most three.
Result<std::vector<TextSet>> Complement(const TextSet& set, const DfaLimits& limits = {});

// The same texts. Bounds that `texts` imply are gone, others are lengths that `texts` have; where
// `texts` are finite, they take the window in if the limits allow it.
TextSet Simplify(const TextSet& set);

// The same texts as states only. kInvalidGrammar over the limits.
Result<Dfa> WithoutWindow(const TextSet& set, const DfaLimits& limits = {});

// nullopt: infinitely many, or too many to count (see CountWords of a Dfa).
std::optional<std::uint64_t> CountWords(const TextSet& set);

}  // namespace sentiric::grammar
