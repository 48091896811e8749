// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/divisors.h"

#include <utility>

namespace sentiric::grammar {

Divisors::Divisors(std::vector<Decimal> list) : list_(std::move(list)) {
  steps_.resize(CombinationCount());
  std::vector<Decimal> multiples(CombinationCount());
  for (Divisibility divisibility = 1; divisibility < CombinationCount(); ++divisibility) {
    std::size_t last = list_.size() - 1;
    while ((divisibility >> last & 1) == 0) --last;
    const Decimal& rest = multiples[divisibility & ~(Divisibility{1} << last)];
    Decimal& multiple = multiples[divisibility];
    multiple = rest.IsZero() ? list_[last] : LeastCommonMultiple(rest, list_[last]);
    if (Of(multiple) == divisibility) steps_[divisibility] = multiple;
  }
}

Divisibility Divisors::Of(const Decimal& number) const {
  Divisibility out = 0;
  for (std::size_t i = 0; i < list_.size(); ++i) {
    if (number.IsMultipleOf(list_[i])) out |= Divisibility{1} << i;
  }
  return out;
}

std::optional<Decimal> Divisors::Next(Divisibility divisibility, const Decimal& bound,
                                      const Decimal* below) const {
  const Decimal& step = steps_[divisibility];
  if (step.IsZero()) return std::nullopt;
  Decimal number = NextMultiple(bound, step);
  while ((below == nullptr || number < *below) && Of(number) != divisibility) {
    number = number + step;
  }
  if (below != nullptr && number >= *below) return std::nullopt;
  return number;
}

bool Divisors::Occurs(Divisibility divisibility, const Interval& interval) const {
  if (divisibility == 0) return true;  // multiples are sparse
  if (!interval.IsBounded()) return !steps_[divisibility].IsZero();
  return Next(divisibility, *interval.above, interval.below).has_value();
}

}  // namespace sentiric::grammar
