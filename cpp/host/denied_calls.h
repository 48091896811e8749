// SPDX-License-Identifier: AGPL-3.0-only
// System calls that the engine process never needs, whatever it computes on.
#pragma once

#include <vector>

namespace sentiric {

struct DeniedCall {
  const char* name;
  int number;
};

// Empty on processors whose calls are not listed. In no order.
std::vector<DeniedCall> DeniedCalls();

// Calls with larger numbers did not exist when the list was written: Linux 6.18.
inline constexpr int kLastReviewedCall = 469;

}  // namespace sentiric
