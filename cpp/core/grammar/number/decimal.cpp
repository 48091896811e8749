// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/decimal.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "core/grammar/number/natural.h"

namespace sentiric::grammar {
namespace {

constexpr std::int32_t kPlainDigits = 40;  // Text() writes more with an exponent

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Error Refusal(std::string what) { return {ErrorCode::kInvalidGrammar, "number", std::move(what)}; }

// The digits at the front of `text`, which loses them.
std::string_view TakeDigits(std::string_view* text) {
  std::size_t size = 0;
  while (size < text->size() && IsDigit((*text)[size])) ++size;
  const std::string_view digits = text->substr(0, size);
  text->remove_prefix(size);
  return digits;
}

bool Take(char c, std::string_view* text) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

struct Parts {
  bool negative = false;
  std::string_view integer;
  std::string_view fraction;
  bool negative_exponent = false;
  std::string_view exponent;
};

std::optional<Parts> Split(std::string_view text) {
  Parts parts;
  parts.negative = Take('-', &text);
  parts.integer = TakeDigits(&text);
  if (parts.integer.empty() || (parts.integer.front() == '0' && parts.integer.size() > 1)) {
    return std::nullopt;
  }
  if (Take('.', &text) && (parts.fraction = TakeDigits(&text)).empty()) return std::nullopt;
  if (Take('e', &text) || Take('E', &text)) {
    parts.negative_exponent = Take('-', &text);
    if (!parts.negative_exponent) Take('+', &text);
    if ((parts.exponent = TakeDigits(&text)).empty()) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return parts;
}

// Saturates far above every limit.
std::int32_t ExponentOf(const Parts& parts) {
  constexpr std::int32_t kHuge = 100'000'000;
  std::int32_t value = 0;
  for (const char c : parts.exponent) value = std::min(kHuge, value * 10 + (c - '0'));
  return parts.negative_exponent ? -value : value;
}

// |x| / 10^exponent, an integer.
Natural Scaled(const Decimal& x, std::int32_t exponent) {
  std::string digits = x.digits();
  if (!x.IsZero()) digits.append(static_cast<std::size_t>(x.exponent() - exponent), '0');
  return ToNatural(digits);
}

// The exponent at which both numbers are integers.
std::int32_t CommonExponent(const Decimal& x, const Decimal& y) {
  if (x.IsZero()) return y.exponent();
  if (y.IsZero()) return x.exponent();
  return std::min(x.exponent(), y.exponent());
}

}  // namespace

Decimal::Decimal(std::int64_t value)
    : Decimal(Of(value < 0, std::to_string(value).substr(value < 0 ? 1 : 0), 0)) {}

Result<Decimal> Decimal::Parse(std::string_view text) {
  const std::optional<Parts> parts = Split(text);
  if (!parts) return Refusal("is not a number as JSON spells it");
  Decimal value = Of(parts->negative, std::string(parts->integer).append(parts->fraction),
                     ExponentOf(*parts) - static_cast<std::int32_t>(parts->fraction.size()));
  if (value.digits_.size() > kMaxDigits) {
    return Refusal("has too many digits; got " + std::to_string(value.digits_.size()) +
                   ", allowed " + std::to_string(kMaxDigits));
  }
  if (std::abs(value.magnitude()) > kMaxExponent) {
    return Refusal("is too large or too small; got about 1e" + std::to_string(value.magnitude()) +
                   ", allowed exponents are up to " + std::to_string(kMaxExponent));
  }
  return value;
}

Decimal Decimal::Of(bool negative, std::string_view digits, std::int32_t exponent) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  const std::size_t size = digits.find_last_not_of('0') + 1;  // npos + 1 = 0
  if (size == 0) return {};
  Decimal out;
  out.negative_ = negative;
  out.digits_ = digits.substr(0, size);
  out.exponent_ = exponent + static_cast<std::int32_t>(digits.size() - size);
  return out;
}

std::string Decimal::Text() const {
  if (IsZero()) return "0";
  std::string out = negative_ ? "-" : "";
  const std::int32_t point = magnitude();  // digits before it
  const auto size = static_cast<std::int32_t>(digits_.size());
  const std::int32_t length = std::max(point, size) - std::min(point - 1, 0);
  if (length > kPlainDigits) {
    out += digits_.substr(0, 1);
    if (size > 1) out += "." + digits_.substr(1);
    return out + "e" + std::to_string(point - 1);
  }
  if (point <= 0) return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits_;
  if (point >= size) return out + digits_ + std::string(static_cast<std::size_t>(exponent_), '0');
  return out + std::string(digits_).insert(static_cast<std::size_t>(point), 1, '.');
}

bool operator<(const Decimal& x, const Decimal& y) {
  if (x.Sign() != y.Sign()) return x.Sign() < y.Sign();
  const Decimal& small = x.negative_ ? y : x;  // by magnitude, if x < y
  const Decimal& large = x.negative_ ? x : y;
  if (small.magnitude() != large.magnitude()) return small.magnitude() < large.magnitude();
  return small.digits_ < large.digits_;
}

Decimal Decimal::operator-() const {
  Decimal out = *this;
  out.negative_ = !negative_ && !IsZero();
  return out;
}

Decimal operator+(const Decimal& x, const Decimal& y) {
  const std::int32_t exponent = CommonExponent(x, y);
  const Natural left = Scaled(x, exponent);
  const Natural right = Scaled(y, exponent);
  if (x.negative_ == y.negative_) {
    return Decimal::Of(x.negative_, ToDigits(Sum(left, right)), exponent);
  }
  if (Compare(left, right) >= 0) {
    return Decimal::Of(x.negative_, ToDigits(Difference(left, right)), exponent);
  }
  return Decimal::Of(y.negative_, ToDigits(Difference(right, left)), exponent);
}

bool Decimal::IsMultipleOf(const Decimal& divisor) const {
  if (IsZero()) return true;
  if (exponent_ < divisor.exponent_) return false;  // the last digit is not 0
  return Divide(Scaled(*this, divisor.exponent_), ToNatural(divisor.digits_)).remainder.IsZero();
}

Decimal NextMultiple(const Decimal& bound, const Decimal& step) {
  const std::int32_t exponent = CommonExponent(bound, step);
  const Natural size = Scaled(step, exponent);
  const Natural rest = Divide(Scaled(bound, exponent), size).remainder;
  const Decimal past = Decimal::Of(false, ToDigits(rest), exponent);
  // Towards zero, dropping the rest gives the next multiple; away from zero, the last one.
  if (bound.IsNegative() && !past.IsZero()) return bound + past;
  return bound - past + step;
}

Decimal LeastCommonMultiple(const Decimal& x, const Decimal& y) {
  const std::int32_t exponent = CommonExponent(x, y);
  const Natural left = Scaled(x, exponent);
  const Natural right = Scaled(y, exponent);
  const Natural shared = GreatestCommonDivisor(left, right);
  return Decimal::Of(false, ToDigits(Product(Divide(left, shared).quotient, right)), exponent);
}

}  // namespace sentiric::grammar
