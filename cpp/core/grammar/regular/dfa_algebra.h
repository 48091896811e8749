// SPDX-License-Identifier: AGPL-3.0-only
// Operations on sets of texts. Pure. kInvalidGrammar when an intermediate automaton is over the
// limits; time and memory are bounded by them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/dfa_builder.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

Result<Dfa> Intersection(const Dfa& x, const Dfa& y, const DfaLimits& limits = {});
Result<Dfa> Union(const Dfa& x, const Dfa& y, const DfaLimits& limits = {});
Result<Dfa> Difference(const Dfa& x, const Dfa& y, const DfaLimits& limits = {});
Result<Dfa> Complement(const Dfa& x, const DfaLimits& limits = {});
Result<Dfa> Concatenation(const Dfa& x, const Dfa& y, const DfaLimits& limits = {});

inline constexpr std::uint32_t kCountless = UINT32_MAX;  // infinitely many, or too many to count

// By state: how many texts lead from it to acceptance.
std::vector<std::uint32_t> WordCounts(const Dfa& dfa);

// nullopt: infinitely many, or at least kCountless.
std::optional<std::uint64_t> CountWords(const Dfa& dfa);

// The first `limit` texts, shortest first, then by code points. All of them when there are fewer.
std::vector<std::string> Words(const Dfa& dfa, std::size_t limit);

// By state: the number of characters to the nearest and to the furthest acceptance; UINT32_MAX when
// there is none (only in the empty set), and when there is no furthest.
std::vector<std::uint32_t> MinLengths(const Dfa& dfa);
std::vector<std::uint32_t> MaxLengths(const Dfa& dfa);

}  // namespace sentiric::grammar
