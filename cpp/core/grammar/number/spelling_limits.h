// SPDX-License-Identifier: AGPL-3.0-only
// How long the text of a number may become.
#pragma once

#include <cstdint>

#include "core/grammar/number/number_pieces.h"

namespace sentiric::grammar {

// Bounded, so that a text ends and readers get the number that was checked.
//
// Plain texts have up to 21 digits before the point (JavaScript prints no more) and up to 22 behind
// it (1e-6 with 17 digits), or as many as the bounds of the set, to 60. Discrete sets get no more
// places than their numbers need, and at least one (a listed 2.0); beside a divisor other than 1,
// 0.1, 0.01
// ... they have up to 15 digits in all, because the double of a longer one may be no multiple.
// Where numbers must be no multiples, all have up to 15 digits.
//
// Texts with an exponent have one digit other than 0 before the point, up to 16 behind it or as
// many as the bounds of the set, and an exponent that leaves them normal doubles, whatever their
// digits. Discrete sets have them only if they have numbers that Python prints so, below 1e-4 or
// from 1e16, and beside divisors there is one digit alone (3e+20). Beside a divisor that is not
// 1, 0.1, 0.01, ... there are none.
struct SpellingLimits {
  static constexpr std::int32_t kExactDigits = 15;   // a double tells all numbers of so many apart
  static constexpr std::int32_t kMaxExponent = 307;  // and down to its negation

  std::int32_t integer_digits = 0;
  std::int32_t fraction_digits = 0;
  std::int32_t mantissa_digits = 0;  // behind the point, when an exponent follows
  bool exponents = false;
  bool few_digits = false;  // kExactDigits in all
  bool discrete = false;    // only single numbers and multiples

  static SpellingLimits For(const NumberPieces& pieces);
};

}  // namespace sentiric::grammar
