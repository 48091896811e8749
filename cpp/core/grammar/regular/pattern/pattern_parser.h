// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string_view>

#include "core/grammar/regular/pattern/pattern_ast.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Parses a regular expression of ECMA-262 (2024) with the flag u. Some of what that flag refuses is
// accepted, because every dialect reads it as the same: escapes of punctuation (\-, \_, \@), lone
// "]" and "}", "{" that does not look like a quantifier, and "-" beside a class ([\w-.]).
//
// kInvalidGrammar with construct and place for what is neither, which names what other dialects
// write and what to write instead (other_dialects.h), and for back-references, which are not
// regular. Nothing recurses; the text is at most 64 KiB and groups are at most 250 deep.
Result<Pattern> ParsePattern(std::string_view utf8);

}  // namespace sentiric::grammar
