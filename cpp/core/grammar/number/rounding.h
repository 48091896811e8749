// SPDX-License-Identifier: AGPL-3.0-only
// Numbers that stay in a set when a reader rounds them to doubles.
#pragma once

#include "core/grammar/number/number_set.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Most readers of JSON compare the nearest double to a number with the nearest double to a bound.
// Rounding is monotone, so it can only move a number onto a bound, never over it: that harms where
// the bound itself is outside of the set, as 3 is in "more than 3" and 3.00000000000000000001 is
// not. Python reads integers exactly and the rest as doubles: if number and bound are on different
// sides of that, a bound from 2^53 that is not a double itself harms too. The text of the bound
// tells its side, as far as one sees that in the number. Not seen are bounds that no program
// prints: an integer of more than 17 digits with an exponent, and one so close to another number of
// the set that it changes nothing by exact arithmetic (integers below 4.00000000000000000001).
enum class ReadAs { kInteger, kDouble };

// Takes away the numbers that differ from a harmful bound by less than a unit of its 15th digit,
// and the bound. At least that apart, two decimals are different doubles, and all decimals of up to
// 15 digits are that far apart (DBL_DIG).
Result<NumberSet> WithRoundingMargins(const NumberSet& set, ReadAs read_as);

}  // namespace sentiric::grammar
