// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/grammar/regular/code_points.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

using Symbol = std::uint32_t;

// The characters of some sets, as classes that no set distinguishes. Characters in no set have no
// symbol.
struct Alphabet {
  std::vector<std::vector<CodeRange>> ranges;  // by symbol, normalised
  std::vector<std::vector<Symbol>> of_set;     // by set: the symbols it is made of, ascending
};

// `sets` are normalised. kInvalidGrammar where sets overlap in too many ways.
Result<Alphabet> SplitIntoSymbols(const std::vector<std::vector<CodeRange>>& sets);

}  // namespace sentiric::grammar
