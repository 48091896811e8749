// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "sentiric/memory_plan.h"

namespace sentiric::backend {

// sentiric::PlanMemory, for a configuration whose ranges have been checked.
Result<MemoryPlan> PlanMemory(const EngineConfig& config);

}  // namespace sentiric::backend
