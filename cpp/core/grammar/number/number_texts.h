// SPDX-License-Identifier: AGPL-3.0-only
// The JSON texts of the numbers of a set.
#pragma once

#include "core/grammar/number/number_set.h"
#include "core/grammar/regular/dfa.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// A text is one of a set by exact decimal arithmetic, and by how readers round numbers and bounds
// (see rounding.h). Texts are bounded (see spelling_limits.h); within that, and but for what
// rounding takes away, all of a set's numbers are written. Where only whole numbers are allowed,
// they are written without a point and an exponent, unless the set is single numbers: 1.0 may be
// what a schema lists.

// All texts. kInvalidGrammar at "number" when the set is not empty and no text is left; for
// a divisor with many remainders (see remainders.h), unless the set has at most 1 000 numbers; and
// for more than 50 000 states.
Result<Dfa> NumberTexts(const NumberSet& set);

// One text for each number: plain, without superfluous zeros and of up to 15 digits from the first
// that is not 0, so that different texts are different doubles. Errors are those of NumberTexts.
Result<Dfa> CanonicalNumberTexts(const NumberSet& set);

}  // namespace sentiric::grammar
