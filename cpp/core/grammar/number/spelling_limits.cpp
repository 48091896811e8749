// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/spelling_limits.h"

#include <algorithm>
#include <cstddef>

namespace sentiric::grammar {
namespace {

constexpr std::int32_t kIntegerDigits = 21;
constexpr std::int32_t kFractionDigits = 22;
constexpr std::int32_t kMantissaDigits = 16;
constexpr std::int32_t kMaxDigits = 60;  // for the bounds of a set

// What more than kMaxDigits would need is not written plain at all.
void Raise(std::int32_t digits, std::int32_t* limit) {
  if (digits <= kMaxDigits) *limit = std::max(*limit, digits);
}

// Whether Python prints the number with an exponent: below 1e-4 and from 1e16.
bool IsExtreme(const Decimal& x) {
  return !x.IsZero() && (x.magnitude() < -3 || x.magnitude() > 16);
}

bool HasExtremes(const NumberPieces& pieces) {
  const auto& divisors = pieces.divisors.list();
  const bool fine = std::any_of(divisors.begin(), divisors.end(), IsExtreme);
  for (std::size_t i = 0; i < pieces.between.size(); ++i) {
    const auto [above, below] = pieces.IntervalAt(i);
    const bool far = above == nullptr || below == nullptr || IsExtreme(*above) || IsExtreme(*below);
    if (pieces.between[i] != 0 && (fine || far)) return true;
    if (i < pieces.breaks.size() && pieces.at_breaks[i] && IsExtreme(pieces.breaks[i])) return true;
  }
  return false;
}

// Whether of some numbers that are multiples, those are left out that are multiples of more.
bool ExcludesMultiples(const NumberPieces& pieces) {
  const Divisibility count = pieces.divisors.CombinationCount();
  for (std::size_t i = 0; i < pieces.between.size(); ++i) {
    const DivisibilityTable table = pieces.between[i];
    const DivisibilityTable missing = pieces.Occurring(pieces.IntervalAt(i)) & ~table;
    for (Divisibility some = 0; some < count; ++some) {
      for (Divisibility more = some + 1; more < count && (table >> some & 1) != 0; ++more) {
        if ((more & some) == some && (missing >> more & 1) != 0) return true;
      }
    }
  }
  return false;
}

}  // namespace

SpellingLimits SpellingLimits::For(const NumberPieces& pieces) {
  SpellingLimits out;
  out.discrete = std::none_of(pieces.between.begin(), pieces.between.end(),
                              [](DivisibilityTable table) { return (table & 1) != 0; });
  out.integer_digits = kIntegerDigits;
  out.fraction_digits = out.discrete ? 1 : kFractionDigits;
  out.mantissa_digits = out.discrete ? 0 : kMantissaDigits;
  for (std::size_t i = 0; i < pieces.breaks.size(); ++i) {
    const Decimal& at = pieces.breaks[i];
    if (out.discrete && !pieces.at_breaks[i]) continue;
    Raise(at.magnitude(), &out.integer_digits);
    Raise(-at.exponent(), &out.fraction_digits);
    Raise(static_cast<std::int32_t>(at.digits().size()) - 1, &out.mantissa_digits);
  }
  out.exponents = !out.discrete || HasExtremes(pieces);
  if (!pieces.divisors.list().empty() && (!out.discrete || ExcludesMultiples(pieces))) {
    out.few_digits = true;
    out.exponents = false;
  }
  for (const Decimal& divisor : pieces.divisors.list()) {
    Raise(-divisor.exponent(), &out.fraction_digits);
    out.mantissa_digits = 0;
    // A double that is too large for such places is a multiple all the same.
    if (divisor.digits() == "1" && divisor.exponent() <= 0) continue;
    const std::int32_t places = std::max(0, -divisor.exponent());
    out.integer_digits =
        std::min(out.integer_digits, std::max(1, SpellingLimits::kExactDigits - places));
    out.exponents = false;
  }
  return out;
}

}  // namespace sentiric::grammar
