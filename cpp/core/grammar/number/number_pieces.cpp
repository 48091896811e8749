// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/number_pieces.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {
namespace {

DivisibilityTable Bit(Divisibility divisibility) { return DivisibilityTable{1} << divisibility; }

// What is known about an interval: the truth of the divisibilities that occur in it.
struct Partial {
  DivisibilityTable value = 0;
  DivisibilityTable known = 0;
};

// Extends `left` over a break and the interval behind it; false where they differ.
bool Join(const Partial& right, Divisibility at, bool value, Partial* left) {
  Partial joined = {left->value | right.value, left->known | right.known};
  if (((left->value ^ right.value) & left->known & right.known) != 0) return false;
  const DivisibilityTable bit = Bit(at);
  if ((joined.known & bit) != 0 && ((joined.value & bit) != 0) != value) return false;
  joined.known |= bit;
  if (value) joined.value |= bit;
  *left = joined;
  return true;
}

// Leaves out the breaks where nothing changes.
std::vector<Partial> JoinIntervals(NumberPieces* pieces) {
  std::vector<Partial> joined;
  NumberPieces out;
  for (std::size_t i = 0; i < pieces->between.size(); ++i) {
    const DivisibilityTable known = pieces->Occurring(pieces->IntervalAt(i));
    const Partial next = {pieces->between[i] & known, known};
    if (i > 0) {
      const Decimal& at = pieces->breaks[i - 1];
      const bool value = pieces->at_breaks[i - 1];
      if (Join(next, pieces->divisors.Of(at), value, &joined.back())) continue;
      out.breaks.push_back(at);
      out.at_breaks.push_back(value);
    }
    joined.push_back(next);
  }
  pieces->breaks = std::move(out.breaks);
  pieces->at_breaks = std::move(out.at_breaks);
  return joined;
}

// The table without divisor `index`: what is known for either of its two values.
DivisibilityTable Without(std::size_t index, DivisibilityTable table) {
  DivisibilityTable out = 0;
  const Divisibility low = (Divisibility{1} << index) - 1;
  for (Divisibility d = 0; d < 64; ++d) {
    if ((table >> d & 1) != 0) out |= Bit((d & low) | (d >> 1 & ~low));
  }
  return out;
}

bool Matters(std::size_t index, const Partial& partial) {
  const DivisibilityTable yes = Without(index, partial.value);
  const DivisibilityTable no = Without(index, partial.known & ~partial.value);
  return (yes & no) != 0;
}

}  // namespace

Interval NumberPieces::IntervalAt(std::size_t index) const {
  return {index > 0 ? &breaks[index - 1] : nullptr,
          index < breaks.size() ? &breaks[index] : nullptr};
}

bool NumberPieces::Contains(const Decimal& number) const {
  const auto at = std::lower_bound(breaks.begin(), breaks.end(), number);
  const auto index = static_cast<std::size_t>(at - breaks.begin());
  if (at != breaks.end() && *at == number) return at_breaks[index];
  return (between[index] & Bit(divisors.Of(number))) != 0;
}

bool NumberPieces::ContainsAnyOf(DivisibilityTable table, const Interval& interval) const {
  for (Divisibility d = 0; d < divisors.CombinationCount(); ++d) {
    if ((table & Bit(d)) != 0 && divisors.Occurs(d, interval)) return true;
  }
  return false;
}

DivisibilityTable NumberPieces::Occurring(const Interval& interval) const {
  DivisibilityTable out = 0;
  for (Divisibility d = 0; d < divisors.CombinationCount(); ++d) {
    if (divisors.Occurs(d, interval)) out |= Bit(d);
  }
  return out;
}

NumberPieces Simplified(NumberPieces pieces) {
  std::vector<Partial> intervals = JoinIntervals(&pieces);
  std::vector<Decimal> divisors = pieces.divisors.list();
  for (std::size_t i = divisors.size(); i-- > 0;) {
    const auto matters = [i](const Partial& partial) { return Matters(i, partial); };
    if (std::any_of(intervals.begin(), intervals.end(), matters)) continue;
    divisors.erase(divisors.begin() + static_cast<std::ptrdiff_t>(i));
    for (Partial& partial : intervals) {
      partial = {Without(i, partial.value), Without(i, partial.known)};
    }
  }
  pieces.between.clear();
  for (const Partial& partial : intervals) pieces.between.push_back(partial.value);
  if (divisors.size() < pieces.divisors.list().size()) {
    pieces.divisors = Divisors(std::move(divisors));
  }
  return pieces;
}

}  // namespace sentiric::grammar
