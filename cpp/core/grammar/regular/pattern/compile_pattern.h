// SPDX-License-Identifier: AGPL-3.0-only
// Regular expressions as sets of texts. See pattern_parser.h for the dialect.
#pragma once

#include <string_view>

#include "core/grammar/regular/text_set.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// All texts in which the pattern is found somewhere, as the keyword `pattern` of JSON Schema.
Result<TextSet> PatternTexts(std::string_view utf8);

// All texts that the expression matches from beginning to end.
Result<TextSet> RegexTexts(std::string_view utf8);

// Errors of both: kInvalidGrammar, for the syntax, for too many states, and for look-around other
// than at a fixed distance from an anchored end of the text (^(?!-)[a-z-]+(?<!-)$). A single part
// that is repeated many times becomes a window of lengths if everything else has a fixed length
// (^[a-z]{1,50000}$); other repetitions are spelled out.

}  // namespace sentiric::grammar
