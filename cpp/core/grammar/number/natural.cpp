// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/natural.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sentiric::grammar {
namespace {

constexpr std::uint64_t kBase = 1'000'000'000;
constexpr std::size_t kLimbDigits = 9;

void Trim(Natural* x) {
  while (!x->limbs.empty() && x->limbs.back() == 0) x->limbs.pop_back();
}

Natural Times(const Natural& x, std::uint64_t factor) {  // factor < kBase
  Natural out;
  std::uint64_t carry = 0;
  for (const std::uint32_t limb : x.limbs) {
    carry += limb * factor;
    out.limbs.push_back(static_cast<std::uint32_t>(carry % kBase));
    carry /= kBase;
  }
  out.limbs.push_back(static_cast<std::uint32_t>(carry));
  Trim(&out);
  return out;
}

Division DivideByLimb(const Natural& x, std::uint64_t y) {
  Division out;
  out.quotient.limbs.resize(x.limbs.size());
  std::uint64_t rest = 0;
  for (std::size_t i = x.limbs.size(); i-- > 0;) {
    rest = rest * kBase + x.limbs[i];
    out.quotient.limbs[i] = static_cast<std::uint32_t>(rest / y);
    rest %= y;
  }
  Trim(&out.quotient);
  if (rest > 0) out.remainder.limbs.push_back(static_cast<std::uint32_t>(rest));
  return out;
}

// Subtracts quotient × y × kBase^shift from x, up to the limb behind y; false when that one had to
// borrow, that is when it was too much.
bool SubtractMultiple(const Natural& y, std::uint64_t quotient, std::size_t shift, Natural* x) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i <= y.limbs.size(); ++i) {
    carry += i < y.limbs.size() ? quotient * y.limbs[i] : 0;
    std::uint32_t& limb = x->limbs[shift + i];
    const std::uint64_t take = carry % kBase;
    carry /= kBase;
    if (limb < take) ++carry;
    limb = static_cast<std::uint32_t>((limb + kBase - take) % kBase);
  }
  return carry == 0;
}

void AddBack(const Natural& y, std::size_t shift, Natural* x) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i <= y.limbs.size(); ++i) {
    std::uint32_t& limb = x->limbs[shift + i];
    carry += limb + (i < y.limbs.size() ? std::uint64_t{y.limbs[i]} : 0);
    limb = static_cast<std::uint32_t>(carry % kBase);
    carry /= kBase;
  }
}

}  // namespace

Natural ToNatural(std::string_view digits) {
  Natural out;
  while (!digits.empty()) {
    const std::size_t first = digits.size() > kLimbDigits ? digits.size() - kLimbDigits : 0;
    std::uint32_t limb = 0;
    for (const char c : digits.substr(first)) {
      limb = limb * 10 + static_cast<std::uint32_t>(c - '0');
    }
    out.limbs.push_back(limb);
    digits = digits.substr(0, first);
  }
  Trim(&out);
  return out;
}

std::string ToDigits(const Natural& x) {
  std::string out;
  for (std::uint32_t limb : x.limbs) {
    for (std::size_t i = 0; i < kLimbDigits; ++i, limb /= 10) {
      out.push_back(static_cast<char>('0' + limb % 10));
    }
  }
  while (!out.empty() && out.back() == '0') out.pop_back();
  std::reverse(out.begin(), out.end());
  return out;
}

int Compare(const Natural& x, const Natural& y) {
  if (x.limbs.size() != y.limbs.size()) return x.limbs.size() < y.limbs.size() ? -1 : 1;
  for (std::size_t i = x.limbs.size(); i-- > 0;) {
    if (x.limbs[i] != y.limbs[i]) return x.limbs[i] < y.limbs[i] ? -1 : 1;
  }
  return 0;
}

Natural Sum(const Natural& x, const Natural& y) {
  Natural out;
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < std::max(x.limbs.size(), y.limbs.size()) || carry > 0; ++i) {
    carry += i < x.limbs.size() ? x.limbs[i] : 0;
    carry += i < y.limbs.size() ? y.limbs[i] : 0;
    out.limbs.push_back(static_cast<std::uint32_t>(carry % kBase));
    carry /= kBase;
  }
  return out;
}

Natural Difference(const Natural& x, const Natural& y) {
  Natural out = x;
  std::uint32_t borrow = 0;
  for (std::size_t i = 0; i < y.limbs.size() || borrow > 0; ++i) {
    const std::uint32_t take = (i < y.limbs.size() ? y.limbs[i] : 0) + borrow;
    borrow = out.limbs[i] < take ? 1 : 0;
    out.limbs[i] = static_cast<std::uint32_t>(out.limbs[i] + borrow * kBase - take);
  }
  Trim(&out);
  return out;
}

Natural Product(const Natural& x, const Natural& y) {
  Natural out;
  out.limbs.assign(x.limbs.size() + y.limbs.size(), 0);
  for (std::size_t i = 0; i < x.limbs.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < y.limbs.size() || carry > 0; ++j) {
      std::uint32_t& limb = out.limbs[i + j];
      carry += limb;
      if (j < y.limbs.size()) carry += std::uint64_t{x.limbs[i]} * y.limbs[j];
      limb = static_cast<std::uint32_t>(carry % kBase);
      carry /= kBase;
    }
  }
  Trim(&out);
  return out;
}

Division Divide(const Natural& x, const Natural& y) {
  if (Compare(x, y) < 0) return {{}, x};
  if (y.limbs.size() == 1) return DivideByLimb(x, y.limbs[0]);
  // Both are scaled so that the first limb of the divisor is at least half of the base: the guess
  // from two limbs is then at most 2 too high.
  const std::uint64_t scale = kBase / (y.limbs.back() + std::uint64_t{1});
  const Natural divisor = Times(y, scale);
  const std::size_t size = divisor.limbs.size();
  Division out;
  out.remainder = Times(x, scale);
  out.remainder.limbs.resize(x.limbs.size() + 1, 0);
  out.quotient.limbs.resize(x.limbs.size() + 1 - size);
  for (std::size_t shift = out.quotient.limbs.size(); shift-- > 0;) {
    const std::uint64_t top =
        out.remainder.limbs[shift + size] * kBase + out.remainder.limbs[shift + size - 1];
    std::uint64_t guess = std::min(top / divisor.limbs.back(), kBase - 1);
    if (!SubtractMultiple(divisor, guess, shift, &out.remainder)) {
      // The borrow is undone by the carry that adding back gives, and dropped with it.
      do {
        AddBack(divisor, shift, &out.remainder);
        --guess;
      } while (out.remainder.limbs[shift + size] != 0);
    }
    out.quotient.limbs[shift] = static_cast<std::uint32_t>(guess);
  }
  Trim(&out.quotient);
  Trim(&out.remainder);
  out.remainder = DivideByLimb(out.remainder, scale).quotient;
  return out;
}

Natural GreatestCommonDivisor(Natural x, Natural y) {
  while (!y.IsZero()) {
    Natural rest = Divide(x, y).remainder;
    x = std::exchange(y, std::move(rest));
  }
  return x;
}

}  // namespace sentiric::grammar
