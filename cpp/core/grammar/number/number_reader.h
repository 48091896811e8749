// SPDX-License-Identifier: AGPL-3.0-only
// Reads the text of a number digit by digit and knows whether it is one of a set.
#pragma once

#include <cstdint>
#include <optional>

#include "core/grammar/number/number_line.h"
#include "core/grammar/number/remainders.h"
#include "core/grammar/number/spelling_limits.h"

namespace sentiric::grammar {

// Immutable; refers to the pieces.
class NumberReader {
 public:
  enum Phase : std::uint32_t { kStart, kMinus, kZero, kInteger, kFraction };

  static constexpr std::uint32_t kOpen = UINT32_MAX;

  // What matters of a text that was read. All members have 32 bits: their bytes are a key.
  struct State {
    Phase phase = kStart;
    std::uint32_t negative = 0;
    std::uint32_t nonzero = 0;   // a digit other than 0 was read
    std::int32_t magnitude = 0;  // from then on, of the number; in kInteger, of that so far
    std::int32_t fraction = 0;   // digits behind the point
    DigitPosition digits;
    std::uint32_t piece = kOpen;  // of the number, when no digit can change it any more
    RemainderState remainders = {};
  };

  NumberReader(const NumberPieces& pieces, Remainders remainders);

  State Start() const;
  // The state behind one more character; nullopt when no number of the set can follow.
  std::optional<State> Minus(const State& state) const;
  std::optional<State> Digit(const State& state, std::uint32_t digit) const;
  std::optional<State> Point(const State& state) const;

  bool Accepts(const State& state) const;

  // Whether "e" may follow, and what it allows.
  bool AllowsExponent(const State& state) const;
  // Texts with equal signs and ranks allow the same exponents.
  std::uint32_t Rank(const State& state) const { return line_.order().Rank(state.digits); }
  bool AcceptsWithExponent(const State& state, std::int32_t exponent) const;

 private:
  bool MayEnd(const State& state) const;
  std::optional<State> Settled(State state) const;
  bool ExponentMayFollow(const State& state) const;

  SpellingLimits limits_;
  Remainders remainders_;
  NumberLine line_;
};

}  // namespace sentiric::grammar
