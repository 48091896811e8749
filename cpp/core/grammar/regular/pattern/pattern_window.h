// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/regular/length_window.h"
#include "core/grammar/regular/nfa.h"
#include "core/grammar/regular/pattern/pattern_ast.h"

namespace sentiric::grammar {

// Where everything below `root` but one repetition has a fixed length, the length of a text tells
// how often that is repeated: if it is long, makes it endless and returns the window of lengths.
LengthWindow TakeWindow(Extent extent, PatternNodeId root, Pattern* pattern);

}  // namespace sentiric::grammar
