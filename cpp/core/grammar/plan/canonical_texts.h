// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/schema/shape.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// How texts are spelled in a JSON string when each has one spelling: only what must be escaped is,
// by its letter or by \u00xx. Without the first quotation mark and with the last one.
Dfa SpelledTexts(const Dfa& texts);
// Without quotation marks.
std::string SpelledText(const std::string& utf8);

// JSON texts of the values of a shape, one for each value, so that values are equal when their
// texts are. kInvalidGrammar without a place when the shape has arrays or objects: one text each
// would need one order of members and one spelling throughout.
Result<Dfa> CanonicalTexts(const Shape& shape);

}  // namespace sentiric::grammar
