// SPDX-License-Identifier: AGPL-3.0-only
// Random sets of numbers with an independent definition of what they contain.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/grammar/number/number_set.h"

namespace sentiric::grammar {

struct RandomSet {
  NumberSet set;
  std::function<bool(const Decimal&)> contains;
  std::string text;  // for messages
};

class RandomSets {
 public:
  RandomSets(unsigned seed, std::vector<Decimal> constants, std::vector<Decimal> divisors)
      : random_(seed), constants_(std::move(constants)), divisors_(std::move(divisors)) {}

  // Of 2^depth atoms. Never over a limit when there are at most 6 divisors.
  RandomSet Make(int depth) {
    if (depth == 0) return Atom();
    RandomSet x = Make(depth - 1);
    if (random_() % 4 == 0) {
      x.set = Complement(x.set);
      x.contains = [was = x.contains](const Decimal& number) { return !was(number); };
      x.text = "!" + x.text;
    }
    const RandomSet y = Make(depth - 1);
    const bool both = random_() % 2 == 0;
    return {both ? Intersection(x.set, y.set).value() : Union(x.set, y.set).value(),
            [x = x.contains, y = y.contains, both](const Decimal& number) {
              return both ? x(number) && y(number) : x(number) || y(number);
            },
            "(" + x.text + (both ? " & " : " | ") + y.text + ")"};
  }

  unsigned Below(std::size_t n) { return static_cast<unsigned>(random_() % n); }

 private:
  RandomSet Atom() {
    const Decimal c = constants_[Below(constants_.size())];
    const Decimal d = divisors_[Below(divisors_.size())];
    switch (random_() % 7) {
      case 0:
        return {NumberSet::AtLeast(c), [c](const Decimal& x) { return x >= c; }, ">=" + c.Text()};
      case 1:
        return {NumberSet::MoreThan(c), [c](const Decimal& x) { return x > c; }, ">" + c.Text()};
      case 2:
        return {NumberSet::AtMost(c), [c](const Decimal& x) { return x <= c; }, "<=" + c.Text()};
      case 3:
        return {NumberSet::LessThan(c), [c](const Decimal& x) { return x < c; }, "<" + c.Text()};
      case 4: return {NumberSet::Of(c), [c](const Decimal& x) { return x == c; }, "=" + c.Text()};
      default:
        return {NumberSet::MultipleOf(d).value(),
                [d](const Decimal& x) { return x.IsMultipleOf(d); }, "%" + d.Text()};
    }
  }

  std::mt19937 random_;
  std::vector<Decimal> constants_;
  std::vector<Decimal> divisors_;
};

}  // namespace sentiric::grammar
