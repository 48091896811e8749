// SPDX-License-Identifier: AGPL-3.0-only
// The normal form of a set of numbers: a line cut into points and open intervals, on each of which
// divisibility alone decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/grammar/number/decimal.h"
#include "core/grammar/number/divisors.h"

namespace sentiric::grammar {

// Bit d: numbers with divisibility d are in the set.
using DivisibilityTable = std::uint64_t;

struct NumberPieces {
  std::vector<Decimal> breaks;             // ascending
  std::vector<bool> at_breaks;             // by break, whether it is in the set
  std::vector<DivisibilityTable> between;  // by open interval: below the first break, … above all
  Divisors divisors;

  Interval IntervalAt(std::size_t index) const;
  bool Contains(const Decimal& number) const;

  // Whether a number of the interval, which lies between two neighbouring breaks, is in the set.
  bool ContainsAnyOf(DivisibilityTable table, const Interval& interval) const;

  // The divisibilities that occur in the interval.
  DivisibilityTable Occurring(const Interval& interval) const;
};

// The same set with the fewest breaks and divisors that can be had by leaving some out. Bits of
// divisibilities that do not occur may be anything, and become 0. The empty set and that of all
// numbers have neither breaks nor divisors.
NumberPieces Simplified(NumberPieces pieces);

}  // namespace sentiric::grammar
