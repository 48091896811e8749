// SPDX-License-Identifier: AGPL-3.0-only
// Sets of real numbers as JSON schemas describe them: bounds, multiples and single numbers, in any
// boolean combination. Exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/grammar/number/decimal.h"
#include "core/grammar/number/number_pieces.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Immutable. Every set is finitely many points and open intervals, and on each interval a boolean
// function of "is a multiple of a", "… of b", …. What exceeds the limits is refused with
// kInvalidGrammar at "number".
class NumberSet {
 public:
  static constexpr std::size_t kMaxCells = 16'384;      // intervals × 2^(number of divisors)
  static constexpr std::size_t kMaxDivisorDigits = 40;  // of a divisor
  static constexpr std::int32_t kMaxDivisorExponent = 400;

  NumberSet() : NumberSet(None()) {}

  static NumberSet None();
  static NumberSet All();
  static NumberSet Integers();
  static NumberSet AtLeast(Decimal bound);
  static NumberSet MoreThan(Decimal bound);
  static NumberSet AtMost(Decimal bound);
  static NumberSet LessThan(Decimal bound);
  static NumberSet Of(Decimal number);
  static Result<NumberSet> OfAll(std::vector<Decimal> numbers);
  static Result<NumberSet> MultipleOf(Decimal divisor);  // also refuses a divisor ≤ 0

  // Takes any pieces within the limits.
  explicit NumberSet(NumberPieces pieces) : pieces_(Simplified(std::move(pieces))) {}
  const NumberPieces& pieces() const { return pieces_; }

  bool Contains(const Decimal& number) const { return pieces_.Contains(number); }
  bool IsEmpty() const { return IsConstant(false); }
  bool IsAll() const { return IsConstant(true); }
  bool IsFinite() const;

  // All numbers, ascending; nullopt when they are more than `limit`.
  std::optional<std::vector<Decimal>> Values(std::size_t limit) const;

  // The same numbers, however they were described.
  friend bool operator==(const NumberSet& x, const NumberSet& y);
  friend bool operator!=(const NumberSet& x, const NumberSet& y) { return !(x == y); }

 private:
  bool IsConstant(bool value) const {
    return pieces_.breaks.empty() && pieces_.divisors.list().empty() &&
           pieces_.between[0] == (value ? 1 : 0);
  }

  NumberPieces pieces_;
};

NumberSet Complement(const NumberSet& x);
Result<NumberSet> Intersection(const NumberSet& x, const NumberSet& y);
Result<NumberSet> Union(const NumberSet& x, const NumberSet& y);

}  // namespace sentiric::grammar
