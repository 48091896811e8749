// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/number_set.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>

namespace sentiric::grammar {
namespace {

constexpr DivisibilityTable kNothing = 0;
constexpr DivisibilityTable kEverything = 1;  // without divisors there is one divisibility

Error Refusal(const char* what, std::size_t got, std::size_t allowed) {
  return {
      ErrorCode::kInvalidGrammar, "number",
      std::string(what) + "; got " + std::to_string(got) + ", allowed " + std::to_string(allowed)};
}

NumberSet Cut(DivisibilityTable below, Decimal at, bool contains, DivisibilityTable above) {
  return NumberSet(NumberPieces{{std::move(at)}, {contains}, {below, above}, Divisors()});
}

std::vector<Decimal> Merged(const std::vector<Decimal>& x, const std::vector<Decimal>& y) {
  std::vector<Decimal> out;
  std::set_union(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(out));
  return out;
}

// One operand of an operation, read along the breaks and by the divisors of both operands.
class Operand {
 public:
  Operand(const NumberPieces& pieces, const std::vector<Decimal>& divisors) : pieces_(pieces) {
    std::vector<Divisibility> bits;  // by divisor of both
    for (const Decimal& divisor : divisors) {
      const auto& own = pieces.divisors.list();
      const auto at = std::find(own.begin(), own.end(), divisor) - own.begin();
      bits.push_back((Divisibility{1} << at) & (pieces.divisors.CombinationCount() - 1));
    }
    for (Divisibility d = 0; d < Divisibility{1} << divisors.size(); ++d) {
      Divisibility own = 0;
      for (std::size_t i = 0; i < bits.size(); ++i) own |= (d >> i & 1) != 0 ? bits[i] : 0;
      own_.push_back(own);
    }
  }

  bool InInterval(Divisibility d) const { return (pieces_.between[next_] >> own_[d] & 1) != 0; }
  bool At(const Decimal& number) const { return pieces_.Contains(number); }
  void Pass(const Decimal& number) {
    if (next_ < pieces_.breaks.size() && pieces_.breaks[next_] == number) ++next_;
  }

 private:
  const NumberPieces& pieces_;
  std::vector<Divisibility> own_;  // divisibility by the own divisors, by that of both operands'
  std::size_t next_ = 0;           // break
};

// Calls `interval(index, d, in x, in y)` for each interval between the breaks of both sets and each
// divisibility by the divisors of both, and `point(number, in x, in y)` for each break.
template <typename OnInterval, typename OnPoint>
void ForEachPiece(const NumberPieces& x, const NumberPieces& y, const NumberPieces& frame,
                  const OnInterval& on_interval, const OnPoint& on_point) {
  Operand left(x, frame.divisors.list());
  Operand right(y, frame.divisors.list());
  for (std::size_t i = 0; i <= frame.breaks.size(); ++i) {
    for (Divisibility d = 0; d < frame.divisors.CombinationCount(); ++d) {
      on_interval(i, d, left.InInterval(d), right.InInterval(d));
    }
    if (i == frame.breaks.size()) return;
    on_point(frame.breaks[i], left.At(frame.breaks[i]), right.At(frame.breaks[i]));
    left.Pass(frame.breaks[i]);
    right.Pass(frame.breaks[i]);
  }
}

template <typename Operation>
Result<NumberSet> Combine(const NumberSet& x, const NumberSet& y, const Operation& operation) {
  const NumberPieces& a = x.pieces();
  const NumberPieces& b = y.pieces();
  NumberPieces out;
  out.breaks = Merged(a.breaks, b.breaks);
  std::vector<Decimal> divisors = Merged(a.divisors.list(), b.divisors.list());
  if (divisors.size() > Divisors::kMax) {
    return Refusal("too many different divisors", divisors.size(), Divisors::kMax);
  }
  const std::size_t cells = (out.breaks.size() + 1) << divisors.size();
  if (cells > NumberSet::kMaxCells) {
    return Refusal("too many bounds and divisors", cells, NumberSet::kMaxCells);
  }
  out.divisors = Divisors(std::move(divisors));
  out.between.resize(out.breaks.size() + 1);
  ForEachPiece(
      a, b, out,
      [&](std::size_t i, Divisibility d, bool in_x, bool in_y) {
        if (operation(in_x, in_y)) out.between[i] |= DivisibilityTable{1} << d;
      },
      [&](const Decimal&, bool in_x, bool in_y) {
        out.at_breaks.push_back(operation(in_x, in_y));
      });
  return NumberSet(std::move(out));
}

}  // namespace

NumberSet NumberSet::None() { return NumberSet(NumberPieces{{}, {}, {kNothing}, Divisors()}); }
NumberSet NumberSet::All() { return NumberSet(NumberPieces{{}, {}, {kEverything}, Divisors()}); }
NumberSet NumberSet::Integers() { return MultipleOf(1).value(); }

NumberSet NumberSet::AtLeast(Decimal bound) {
  return Cut(kNothing, std::move(bound), true, kEverything);
}
NumberSet NumberSet::MoreThan(Decimal bound) {
  return Cut(kNothing, std::move(bound), false, kEverything);
}
NumberSet NumberSet::AtMost(Decimal bound) {
  return Cut(kEverything, std::move(bound), true, kNothing);
}
NumberSet NumberSet::LessThan(Decimal bound) {
  return Cut(kEverything, std::move(bound), false, kNothing);
}
NumberSet NumberSet::Of(Decimal number) { return Cut(kNothing, std::move(number), true, kNothing); }

Result<NumberSet> NumberSet::OfAll(std::vector<Decimal> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  if (numbers.size() >= kMaxCells) {
    return Refusal("too many single numbers", numbers.size(), kMaxCells - 1);
  }
  NumberPieces out;
  out.breaks = std::move(numbers);
  out.at_breaks.assign(out.breaks.size(), true);
  out.between.assign(out.breaks.size() + 1, kNothing);
  return NumberSet(std::move(out));
}

Result<NumberSet> NumberSet::MultipleOf(Decimal divisor) {
  if (divisor.Sign() <= 0) {
    return Error{ErrorCode::kInvalidGrammar, "number",
                 "a divisor must be more than 0; got " + divisor.Text()};
  }
  if (divisor.digits().size() > kMaxDivisorDigits ||
      std::abs(divisor.exponent()) > kMaxDivisorExponent) {
    return Error{ErrorCode::kInvalidGrammar, "number",
                 "a divisor is too long; got " + std::to_string(divisor.digits().size()) +
                     " digits, times 1e" + std::to_string(divisor.exponent()) + ", allowed " +
                     std::to_string(kMaxDivisorDigits) + " digits and exponents to " +
                     std::to_string(kMaxDivisorExponent)};
  }
  return NumberSet(NumberPieces{{}, {}, {0b10}, Divisors({std::move(divisor)})});
}

bool NumberSet::IsFinite() const {
  for (std::size_t i = 0; i < pieces_.between.size(); ++i) {
    const bool dense = (pieces_.between[i] & 1) != 0;  // contains multiples of nothing
    if (dense || (pieces_.between[i] != 0 && !pieces_.IntervalAt(i).IsBounded())) return false;
  }
  return true;
}

std::optional<std::vector<Decimal>> NumberSet::Values(std::size_t limit) const {
  if (!IsFinite()) return std::nullopt;
  std::vector<Decimal> out;
  for (std::size_t i = 0; i < pieces_.between.size(); ++i) {
    const Interval interval = pieces_.IntervalAt(i);
    for (Divisibility d = 1; d < pieces_.divisors.CombinationCount(); ++d) {
      if ((pieces_.between[i] >> d & 1) == 0) continue;
      std::optional<Decimal> next = pieces_.divisors.Next(d, *interval.above, interval.below);
      for (; next && out.size() <= limit; next = pieces_.divisors.Next(d, *next, interval.below)) {
        out.push_back(*next);
      }
    }
    if (i < pieces_.breaks.size() && pieces_.at_breaks[i]) out.push_back(pieces_.breaks[i]);
    if (out.size() > limit) return std::nullopt;
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool operator==(const NumberSet& x, const NumberSet& y) {
  const NumberPieces& a = x.pieces();
  const NumberPieces& b = y.pieces();
  NumberPieces frame;
  frame.breaks = Merged(a.breaks, b.breaks);
  frame.divisors = Divisors(Merged(a.divisors.list(), b.divisors.list()));
  bool equal = true;
  ForEachPiece(
      a, b, frame,
      [&](std::size_t i, Divisibility d, bool in_x, bool in_y) {
        equal = equal && (in_x == in_y || !frame.divisors.Occurs(d, frame.IntervalAt(i)));
      },
      [&](const Decimal&, bool in_x, bool in_y) { equal = equal && in_x == in_y; });
  return equal;
}

NumberSet Complement(const NumberSet& x) {
  NumberPieces out = x.pieces();
  out.at_breaks.flip();
  for (DivisibilityTable& table : out.between) table = ~table;
  return NumberSet(std::move(out));
}

Result<NumberSet> Intersection(const NumberSet& x, const NumberSet& y) {
  return Combine(x, y, [](bool in_x, bool in_y) { return in_x && in_y; });
}

Result<NumberSet> Union(const NumberSet& x, const NumberSet& y) {
  return Combine(x, y, [](bool in_x, bool in_y) { return in_x || in_y; });
}

}  // namespace sentiric::grammar
