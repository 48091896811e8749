// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace sentiric::testing {

using Floats = std::vector<float>;

inline Floats RandomFloats(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Floats values(count);
  for (float& value : values) value = normal(random);
  return values;
}

inline bool SameBits(const float* a, const float* b, std::size_t count) {
  return std::memcmp(a, b, count * sizeof(float)) == 0;
}

}  // namespace sentiric::testing
