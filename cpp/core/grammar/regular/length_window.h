// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <algorithm>
#include <cstdint>

namespace sentiric::grammar {

inline constexpr std::uint32_t kUnlimited = UINT32_MAX;

// Lengths of texts, in code points. Nothing where min > max.
struct LengthWindow {
  std::uint32_t min = 0;
  std::uint32_t max = kUnlimited;  // inclusive; kUnlimited = no bound

  bool Contains(std::uint64_t length) const {
    return length >= min && (max == kUnlimited || length <= max);
  }
  bool IsAll() const { return min == 0 && max == kUnlimited; }
  bool IsEmpty() const { return min > max; }
};
inline bool operator==(LengthWindow x, LengthWindow y) { return x.min == y.min && x.max == y.max; }
inline bool operator!=(LengthWindow x, LengthWindow y) { return !(x == y); }

inline LengthWindow Intersection(LengthWindow x, LengthWindow y) {
  return {std::max(x.min, y.min), std::min(x.max, y.max)};
}

}  // namespace sentiric::grammar
