// SPDX-License-Identifier: AGPL-3.0-only
// Limits what a class may hold while another one waits: higher classes go first, but none starves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sentiric/types.h"

namespace sentiric {

// A number for each class, highest class first.
using ByClass = std::array<std::int32_t, 3>;

inline std::size_t ClassIndex(Priority priority) { return static_cast<std::size_t>(priority); }

// Contexts that one class may hold while another one waits: three quarters, and never all of two
// or more. A single context is shared in turns; see ClassTurns.
std::int32_t ClassLimit(std::int32_t contexts);

// A class that waits with nothing running gets a turn, even before higher classes. Turns are
// counted in steps that make progress, not in time: they do not depend on the speed of the machine,
// and recomputing after a preemption does not use them up. One thread uses it.
class ClassTurns {
 public:
  static constexpr std::int32_t kWaitSteps = 96;  // steps without a context until a turn begins
  static constexpr std::int32_t kTurnSteps = 32;  // of a turn, which no other class may cut short

  // Call after each step. By class: the contexts it holds, its waiting requests, and its running
  // requests that made new progress. True when a turn ended.
  bool OnStep(const ByClass& held, const ByClass& waiting, const ByClass& advanced);

  // Whether it is the turn of this class.
  bool IsDue(Priority priority) const { return is_due_[ClassIndex(priority)]; }

 private:
  ByClass steps_{};  // steps waited, or left of the turn once it is due
  std::array<bool, 3> is_due_{};
};

}  // namespace sentiric
