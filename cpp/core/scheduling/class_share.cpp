// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/class_share.h"

#include <algorithm>
#include <numeric>

namespace sentiric {

std::int32_t ClassLimit(std::int32_t contexts) { return std::max(1, contexts * 3 / 4); }

bool ClassTurns::OnStep(const ByClass& held, const ByClass& waiting, const ByClass& advanced) {
  const std::int32_t num_advanced = std::accumulate(advanced.begin(), advanced.end(), 0);
  bool has_ended = false;
  for (std::size_t i = 0; i < held.size(); ++i) {
    const bool waits = held[i] == 0 && waiting[i] > 0;
    if (is_due_[i]) {
      if (advanced[i] > 0) --steps_[i];
      const bool is_over = steps_[i] == 0 || (held[i] == 0 && !waits);
      if (!is_over) continue;
      is_due_[i] = false;
      steps_[i] = 0;
      has_ended = true;
    } else if (!waits) {
      steps_[i] = 0;
    } else if (num_advanced > 0 && ++steps_[i] == kWaitSteps) {
      is_due_[i] = true;
      steps_[i] = kTurnSteps;
    }
  }
  return has_ended;
}

}  // namespace sentiric
