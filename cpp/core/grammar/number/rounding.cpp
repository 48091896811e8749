// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/rounding.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sentiric::grammar {
namespace {

constexpr std::int32_t kExactDigits = 15;

// The distance from `bound` to the next decimal of 15 digits, up or down.
Decimal Unit(const Decimal& bound, bool up) {
  // From a power of ten towards zero, numbers lie ten times as close.
  const bool finer = bound.digits() == "1" && up == bound.IsNegative();
  return Decimal::Of(false, "1", bound.magnitude() - kExactDigits - (finer ? 1 : 0));
}

// Of a number of at least 10^15. May be false for some with more than 19 digits or a fraction.
bool IsDouble(const Decimal& x) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 53;  // of the odd part
  if (!x.IsInteger() || x.digits().size() > 19) return false;
  std::uint64_t odd = std::stoull(x.digits());
  while (odd % 2 == 0) odd /= 2;
  for (std::int32_t i = 0; i < x.exponent() && odd < kEnd; ++i) odd *= 5;
  return odd < kEnd;
}

// How the text of a bound was probably read. Nobody prints a double with more than 17 digits, as
// an integer without zeros at its end that is no double, or from 1e21 without an exponent.
bool MayBe(ReadAs read_as, const Decimal& bound) {
  const bool integer = bound.IsInteger() && (bound.exponent() == 0 || bound.digits().size() > 17);
  const bool fraction = !bound.IsInteger() || (!integer && bound.magnitude() > 21);
  return read_as == ReadAs::kInteger ? !fraction : !integer;
}

bool IsHarmful(const Decimal& bound, bool contained, ReadAs read_as) {
  if (bound.IsZero()) return false;
  if (!contained) return true;
  if (bound.magnitude() <= kExactDigits || IsDouble(bound)) return false;
  return MayBe(read_as == ReadAs::kInteger ? ReadAs::kDouble : ReadAs::kInteger, bound);
}

// Whether something between a bound, not in the set, and the end of its margin may be in it.
bool IsNeeded(const NumberPieces& pieces, std::size_t interval, const Interval& margin) {
  const Interval own = pieces.IntervalAt(interval);
  const bool crowded = (own.above != nullptr && *own.above > *margin.above) ||
                       (own.below != nullptr && *own.below < *margin.below);
  return crowded || pieces.ContainsAnyOf(pieces.between[interval], margin);
}

// The union of the open intervals between the two ends of each pair.
NumberSet UnionOf(std::vector<std::pair<Decimal, Decimal>> intervals) {
  std::sort(intervals.begin(), intervals.end());
  NumberPieces out;
  const auto add = [&out](Decimal at, DivisibilityTable before) {
    out.breaks.push_back(std::move(at));
    out.at_breaks.push_back(false);
    out.between.push_back(before);
  };
  for (auto& [above, below] : intervals) {
    if (!out.breaks.empty() && above < out.breaks.back()) {
      out.breaks.back() = std::max(out.breaks.back(), below);
      continue;
    }
    if (out.breaks.empty() || above > out.breaks.back()) add(std::move(above), 0);
    add(std::move(below), 1);
  }
  out.between.push_back(0);
  return NumberSet(std::move(out));
}

}  // namespace

Result<NumberSet> WithRoundingMargins(const NumberSet& set, ReadAs read_as) {
  const NumberPieces& pieces = set.pieces();
  std::vector<std::pair<Decimal, Decimal>> margins;
  for (std::size_t i = 0; i < pieces.breaks.size(); ++i) {
    const Decimal& bound = pieces.breaks[i];
    const bool contained = pieces.at_breaks[i];
    if (!IsHarmful(bound, contained, read_as)) continue;
    const Decimal low = bound - Unit(bound, false);
    const Decimal high = bound + Unit(bound, true);
    const bool below = contained || IsNeeded(pieces, i, {&low, &bound});
    const bool above = contained || IsNeeded(pieces, i + 1, {&bound, &high});
    if (below || above) margins.emplace_back(below ? low : bound, above ? high : bound);
  }
  if (margins.empty()) return set;
  return Intersection(set, Complement(UnionOf(std::move(margins))));
}

}  // namespace sentiric::grammar
