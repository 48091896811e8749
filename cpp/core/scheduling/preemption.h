// SPDX-License-Identifier: AGPL-3.0-only
// Who is preempted when there is not room for all.
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

// The running claim that makes place for `waiting` when all contexts are in use, as an index; the
// first of these that there is:
//  - when it is the turn of the waiting class and nothing of it runs: the lowest class's youngest;
//  - of a lower class, the lowest class and the youngest in it, unless the waiting class would hold
//    more than its share then;
//  - of a class that holds more than its share: the youngest of its largest tenant;
//  - when the waiting tenant has nothing running: the youngest in the same class of the tenant with
//    most contexts, if that tenant holds more than its share.
// Nobody is preempted by another class in its turn. nullopt: wait. Time alone never makes a claim
// strong enough to preempt somebody.
std::optional<std::size_t> ChooseVictim(const Claim& waiting, const std::vector<Claim>& running,
                                        std::int32_t contexts);

// The one that gives its cells up when the KV cache is full; `running` is not empty. Who has its
// turn gives way last, so that it is not always the same class.
std::size_t ChooseUnderPressure(const std::vector<Claim>& running);

// Contexts by class.
ByClass HeldByClass(const std::vector<Claim>& running);

}  // namespace sentiric
