// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "sentiric/types.h"

namespace sentiric {

inline double Milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace sentiric
