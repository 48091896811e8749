// SPDX-License-Identifier: AGPL-3.0-only
// Natural numbers of any size, for exact decimals. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sentiric::grammar {

// The sum of limbs[i] × 10^(9i). The last limb is not 0; zero has no limbs.
struct Natural {
  std::vector<std::uint32_t> limbs;

  bool IsZero() const { return limbs.empty(); }
};

// `digits` are '0' to '9', with leading zeros or none; no digits are zero.
Natural ToNatural(std::string_view digits);
std::string ToDigits(const Natural& x);  // without leading zeros; zero is ""

int Compare(const Natural& x, const Natural& y);  // <0, 0, >0
Natural Sum(const Natural& x, const Natural& y);
Natural Difference(const Natural& x, const Natural& y);  // x ≥ y
Natural Product(const Natural& x, const Natural& y);

struct Division {
  Natural quotient;
  Natural remainder;
};
// y > 0. The schoolbook's long division (Knuth, The Art of Computer Programming, 4.3.1 D): time in
// the product of both lengths.
Division Divide(const Natural& x, const Natural& y);

// Euclid's; of zero and x, it is x.
Natural GreatestCommonDivisor(Natural x, Natural y);

}  // namespace sentiric::grammar
