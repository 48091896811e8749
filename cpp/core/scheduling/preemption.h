// SPDX-License-Identifier: AGPL-3.0-only
// Chooses the sequence to preempt when there is not room for all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/scheduling/class_share.h"
#include "sentiric/types.h"

namespace sentiric {

// A request that runs or wants to run.
struct Claim {
  Priority priority = Priority::kNormal;
  std::string tenant;
  RequestId id = 0;     // higher is younger
  bool is_due = false;  // it is the turn of its class; see ClassTurns
};

// The index of the running claim to preempt for `waiting` when all contexts are in use. The first
// of these rules that applies decides:
//  - It is the turn of the waiting class and none of it runs: the youngest of the lowest class.
//  - A lower class runs and the waiting class stays within its share: the youngest of the lowest.
//  - Another class holds more than its share: the youngest of its largest tenant.
//  - The waiting tenant has nothing running, and the tenant with most contexts in the same class
//    holds more than its share: the youngest of that tenant in the class.
// A class in its turn is not preempted by other classes. nullopt: wait. However long a claim waits,
// it does not become stronger.
std::optional<std::size_t> ChooseVictim(const Claim& waiting, const std::vector<Claim>& running,
                                        std::int32_t contexts);

// The index of the claim to preempt when the KV cache is full; `running` is not empty. A class in
// its turn is preempted last, so that it is not always the same class.
std::size_t ChooseUnderPressure(const std::vector<Claim>& running);

// Contexts by class.
ByClass HeldByClass(const std::vector<Claim>& running);

}  // namespace sentiric
