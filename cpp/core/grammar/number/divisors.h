// SPDX-License-Identifier: AGPL-3.0-only
// Which combinations of "multiple of a" and "not multiple of b" some number has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/grammar/number/decimal.h"

namespace sentiric::grammar {

// An open interval; a missing end is unbounded.
struct Interval {
  const Decimal* above = nullptr;
  const Decimal* below = nullptr;

  bool IsBounded() const { return above != nullptr && below != nullptr; }
};

// Bit i: is a multiple of divisor i.
using Divisibility = std::uint32_t;

// A list of different divisors > 0. Immutable.
class Divisors {
 public:
  static constexpr std::size_t kMax = 6;  // 2^6 combinations have a bit each in 64

  Divisors() : Divisors(std::vector<Decimal>()) {}
  explicit Divisors(std::vector<Decimal> list);

  const std::vector<Decimal>& list() const { return list_; }
  Divisibility CombinationCount() const { return Divisibility{1} << list_.size(); }

  Divisibility Of(const Decimal& number) const;

  // The least number > `bound` with exactly this divisibility and below `interval.below`, if there
  // is one; `divisibility` is not 0. Exact: the multiples of m among which r other divisors leave a
  // gap leave none of 2^r in a row (Kanold's bound on Jacobsthal's function).
  std::optional<Decimal> Next(Divisibility divisibility, const Decimal& bound,
                              const Decimal* below) const;

  // Whether some number of the interval, which is not empty, has exactly this divisibility.
  bool Occurs(Divisibility divisibility, const Interval& interval) const;

 private:
  std::vector<Decimal> list_;
  // By divisibility: the least common multiple of its divisors; 0 where that is a multiple of
  // another divisor, so that the divisibility never occurs, and for none.
  std::vector<Decimal> steps_;
};

}  // namespace sentiric::grammar
