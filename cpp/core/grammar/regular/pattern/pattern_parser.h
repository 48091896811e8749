// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string_view>

#include "core/grammar/regular/pattern/pattern_ast.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Parses a regular expression of ECMA-262 (2024) with the flag u, or, where that is a syntax error,
// without it: then escapes of ordinary characters and lone brackets stand for themselves, as in
// browsers (annex B). Characters are code points in both cases.
//
// kInvalidGrammar with construct and offset for what is neither, and for back-references, which are
// not regular. Nothing recurses; the text is at most 64 KiB and groups are at most 250 deep.
Result<Pattern> ParsePattern(std::string_view utf8);

}  // namespace sentiric::grammar
