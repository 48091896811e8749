// SPDX-License-Identifier: AGPL-3.0-only
// Who is parked when there is not room for all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// A request that runs or wants to run.
struct Claim {
  Priority priority = Priority::kNormal;
  std::string tenant;
  RequestId id = 0;  // higher is younger
};

// The running claim that makes place for `waiting` when all contexts are in use, as an index:
//  - of a lower class, the lowest class and the youngest in it; or
//  - when the waiting tenant has nothing running: the youngest of the tenant with most contexts,
//    if that tenant holds more than its share and the class is no higher.
// nullopt: wait. Time never makes a claim strong enough to park somebody.
std::optional<std::size_t> ChooseVictim(const Claim& waiting, const std::vector<Claim>& running,
                                        std::int32_t contexts);

// The one that gives its cells up when the KV cache is full; `running` is not empty.
std::size_t ChooseUnderPressure(const std::vector<Claim>& running);

}  // namespace sentiric
