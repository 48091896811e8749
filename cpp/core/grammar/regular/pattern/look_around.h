// SPDX-License-Identifier: AGPL-3.0-only
// Look-around at a fixed distance from an end of the text: a condition on the whole text, apart
// from the rest of the pattern.
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/regular/nfa.h"
#include "core/grammar/regular/pattern/pattern_ast.h"
#include "core/grammar/regular/pattern/pattern_nfa.h"
#include "core/grammar/regular/text_set.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

struct LookAround {
  PatternNodeId body = 0;
  bool is_behind = false;
  bool is_negated = false;
  std::uint64_t distance = 0;  // from the start of the text, or, looking behind, from its end
};

bool HasLookAround(const Pattern& pattern);

// Takes out of the sequence below `root` what stands at such a place: look-ahead behind "^" (or the
// start of a whole text) and parts of fixed length, look-behind before such parts and "$".
std::vector<LookAround> TakeLookArounds(Extent extent, PatternNodeId root, Pattern* pattern);

// kInvalidGrammar, with construct and offset, when some is left elsewhere.
Status CheckNoLookAround(const Pattern& pattern);

// The texts for which it holds.
Result<Dfa> TextsOf(const LookAround& look, const Pattern& pattern);

}  // namespace sentiric::grammar
