// SPDX-License-Identifier: AGPL-3.0-only
// Exact decimal numbers: what a number of JSON text is before anybody rounds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sentiric/error.h"

namespace sentiric::grammar {

// ±digits × 10^exponent. Equal numbers are equal objects: digits begin and end with a digit other
// than 0, and zero is +"" × 10^0.
class Decimal {
 public:
  // Of the text of a number, so that none costs much time: more is refused.
  static constexpr std::size_t kMaxDigits = 10'000;
  static constexpr std::int32_t kMaxExponent = 10'000;  // ≥ |magnitude()|

  Decimal() = default;          // zero
  Decimal(std::int64_t value);  // NOLINT: implicit by intent

  // A number as JSON spells it. kInvalidGrammar for anything else, and over the limits.
  static Result<Decimal> Parse(std::string_view text);

  // `digits` are '0' to '9', with superfluous zeros or none.
  static Decimal Of(bool negative, std::string_view digits, std::int32_t exponent);

  bool IsZero() const { return digits_.empty(); }
  bool IsNegative() const { return negative_; }
  int Sign() const { return IsZero() ? 0 : negative_ ? -1 : 1; }
  bool IsInteger() const { return exponent_ >= 0; }
  const std::string& digits() const { return digits_; }
  std::int32_t exponent() const { return exponent_; }

  // The number is ±0.DIGITS × 10^magnitude; 0 for zero.
  std::int32_t magnitude() const { return exponent_ + static_cast<std::int32_t>(digits_.size()); }

  // The one JSON text for this number: plain when that takes at most 40 digits (1200, 0.05), else
  // with an exponent (1.5e-60).
  std::string Text() const;

  friend bool operator==(const Decimal& x, const Decimal& y) {
    return x.negative_ == y.negative_ && x.exponent_ == y.exponent_ && x.digits_ == y.digits_;
  }
  friend bool operator!=(const Decimal& x, const Decimal& y) { return !(x == y); }
  friend bool operator<(const Decimal& x, const Decimal& y);
  friend bool operator>(const Decimal& x, const Decimal& y) { return y < x; }
  friend bool operator<=(const Decimal& x, const Decimal& y) { return !(y < x); }
  friend bool operator>=(const Decimal& x, const Decimal& y) { return !(x < y); }

  // Exact.
  Decimal operator-() const;
  friend Decimal operator+(const Decimal& x, const Decimal& y);
  friend Decimal operator-(const Decimal& x, const Decimal& y) { return x + -y; }

  // Whether this is an integer times `divisor`, which is > 0. Exact.
  bool IsMultipleOf(const Decimal& divisor) const;

 private:
  bool negative_ = false;
  std::string digits_;
  std::int32_t exponent_ = 0;
};

// The least multiple of `step` > 0 that is > `bound`.
Decimal NextMultiple(const Decimal& bound, const Decimal& step);

// Of two numbers > 0: the least number > 0 that is a multiple of both.
Decimal LeastCommonMultiple(const Decimal& x, const Decimal& y);

}  // namespace sentiric::grammar

template <>
struct std::hash<sentiric::grammar::Decimal> {
  std::size_t operator()(const sentiric::grammar::Decimal& x) const noexcept {
    const std::size_t rest = static_cast<std::size_t>(x.exponent()) * 2 + (x.IsNegative() ? 1 : 0);
    return std::hash<std::string>()(x.digits()) ^ rest * 0x9E3779B9;
  }
};
