// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/automaton/matcher.h"
#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

// The characters that may come next, as ranges in order; surrogates count as neighbours of what is
// around them. The matcher stands between two characters. A block of 64 characters beyond U+07FF,
// and larger ones beyond U+FFFF, is taken as allowed when its first and last character are: for
// messages. Takes some thousand calls of Accepts; see Matcher::error() afterwards.
std::vector<CodeRange> AllowedCharacters(Matcher* matcher);

}  // namespace sentiric::grammar
