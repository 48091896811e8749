// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "core/seams/stored_state.h"

namespace sentiric {

// A sequence of the decoder, as the prefix cache sees it.
struct CacheSlot {
  // kRunning: leased. kCached: holds the cells of a request that ended or was preempted.
  enum class State { kFree, kRunning, kCached };
  State state = State::kFree;
  PrefixRecord record;
  std::int32_t computed = 0;  // tokens of the record that are in the KV cache
  std::int32_t prompt_size = 0;
  std::vector<std::int32_t> stops;  // see CheckpointPolicy
  std::int32_t kept = 0;            // length of its longest prefix in host memory
  std::int32_t intact = INT32_MAX;  // cells from here on are unusable: a shift moved them
  bool may_stall = false;           // its reader can hold up its prompt
  bool has_begun = false;
  std::uint64_t order = 0;      // of admission
  std::uint64_t last_used = 0;  // while cached
};

using CacheSlots = std::vector<CacheSlot>;  // by SeqId

}  // namespace sentiric
