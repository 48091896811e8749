// SPDX-License-Identifier: AGPL-3.0-only
// Which divisors a number is a multiple of, told by its digits from the first to the last.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/grammar/number/divisors.h"
#include "core/grammar/regular/dfa.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// What was read, by divisor; meaningful to Remainders alone.
using RemainderState = std::array<std::uint32_t, Divisors::kMax>;

// Immutable.
class Remainders {
 public:
  // Of one divisor: those that matter, and those that are looked at.
  static constexpr std::uint32_t kMaxStates = 2'900;
  static constexpr std::uint32_t kMaxRemainders = 20'000;

  // kInvalidGrammar for a divisor over the limits.
  static Result<Remainders> Of(const Divisors& divisors);

  RemainderState Start() const { return {}; }
  RemainderState NextInteger(RemainderState state, std::uint32_t digit) const;
  RemainderState NextFraction(RemainderState state, std::uint32_t digit,
                              std::int32_t place) const;  // place 1 is that of the tenths

  // The divisibility of a number that is not 0, with `places` digits of its fraction read.
  Divisibility At(const RemainderState& state, std::int32_t places) const;

  // Of one digit other than 0, times 10^exponent, when all divisors are powers of ten.
  Divisibility OfOneDigit(std::int32_t exponent) const;

 private:
  // An integer × 10^exponent. The automaton reads the digits of its multiples, with as many places
  // of the fraction as the exponent says. Remainders that need the same digits next share a state:
  // of 2 048 remainders, nine in ten do.
  struct Divisor {
    std::int32_t exponent = 0;
    Dfa multiples;
  };
  std::vector<Divisor> divisors_;
};

}  // namespace sentiric::grammar
