// SPDX-License-Identifier: AGPL-3.0-only
// exp() without branches and calls, so that compilers vectorise loops over it.
#pragma once

#include <cstdint>
#include <cstring>

namespace sentiric::sampling {

// Smaller exponents are raised to this; its exp is about 5e-38.
inline constexpr float kLowestExponent = -86.0f;

// A separate step: in one loop with the polynomial, compilers would make it a branch.
inline float Raised(float x) { return x > kLowestExponent ? x : kLowestExponent; }

// exp(x) within 2e-7 of its value, for x in [kLowestExponent, 0].
inline float ExpOfRaised(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer
  const float shifted = x * 1.44269504088896341f + kRound;
  const float power = shifted - kRound;
  // ln 2 in two parts, so that the remainder is exact.
  const float r = (x - power * 0.693359375f) + power * 2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * r * r + r + 1.0f;
  std::uint32_t exponent, bits;
  std::memcpy(&exponent, &shifted, sizeof exponent);
  std::memcpy(&bits, &y, sizeof bits);
  bits += exponent << 23;  // y * 2^power
  std::memcpy(&y, &bits, sizeof y);
  return y;
}

// exp(x) for x <= 0.
inline float ExpOfNegative(float x) { return ExpOfRaised(Raised(x)); }

}  // namespace sentiric::sampling
