// SPDX-License-Identifier: AGPL-3.0-only
// What a class may hold while another one waits: a better class goes first, but never for ever.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sentiric/types.h"

namespace sentiric {

// A number for each class.
using ByClass = std::array<std::int32_t, 3>;

inline std::size_t ClassIndex(Priority priority) { return static_cast<std::size_t>(priority); }

// Contexts that one class may hold while another one waits: three quarters, and never all of two
// or more. With one context classes share time instead; see ClassTurns.
std::int32_t ClassLimit(std::int32_t contexts);

// A class that waits with nothing running gets its turn, whoever goes before it otherwise. Counted
// in steps that make progress, not in time: a slow machine changes nothing, and who has to compute
// again what was lost in a preemption loses no turn by it. One thread uses it.
class ClassTurns {
 public:
  static constexpr std::int32_t kWaitSteps = 96;  // without a context, then its turn begins
  static constexpr std::int32_t kTurnSteps = 32;  // of its own that nobody may cut short

  // After each step: by class, the contexts it holds, its requests that wait, and how many of those
  // that run came further than ever. True when a turn ended.
  bool OnStep(const ByClass& held, const ByClass& waiting, const ByClass& advanced);

  // Its turn has come and is not over.
  bool IsDue(Priority priority) const { return is_due_[ClassIndex(priority)]; }

 private:
  ByClass steps_{};  // waited; what is left of the turn, once it is due
  std::array<bool, 3> is_due_{};
};

}  // namespace sentiric
