// SPDX-License-Identifier: AGPL-3.0-only
// The memory that a configuration needs, computed before any of it is allocated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sentiric/engine.h"

namespace sentiric {

// Bytes on one device. The last device of a plan is the host's RAM.
struct DeviceMemory {
  std::string name;           // "CUDA0", ...; "host" is the RAM
  std::uint64_t weights = 0;  // of the model
  std::uint64_t cache = 0;    // keys and values of all contexts
  std::uint64_t compute = 0;  // buffers of one step, and its logits
  std::uint64_t free = 0;     // at the time of the plan; 0 when the device does not say
  std::uint64_t total = 0;
};

struct MemoryPlan {
  std::vector<DeviceMemory> devices;
  std::int32_t contexts = 0;
  std::int32_t context_size = 0;   // tokens of one context, as the decoder will have it
  std::int32_t context_train = 0;  // tokens the model was trained with
  std::int32_t num_layers = 0;
  std::string speculation;  // source of drafts: "draft" | "ngram" | "off"
};

// Reads the header of the model and lays everything out without allocating it. Takes milliseconds,
// and memory for the vocabulary while it runs. Fails like Engine::Open.
Result<MemoryPlan> PlanMemory(const EngineConfig& config);

}  // namespace sentiric
