// SPDX-License-Identifier: AGPL-3.0-only
// Decides what one step evaluates.
#pragma once

#include <vector>

#include "core/scheduling/batch_plan.h"

namespace sentiric {

// Prompt tokens of a step that other requests wait for. Where each prompt has a call of its own, a
// further one costs as much time as `call_cost` tokens more.
struct PrefillBudget {
  std::int32_t tokens = 0;
  std::int32_t call_cost = 0;
};

struct SchedulerConfig {
  std::int32_t max_batch = 2048;  // rows per Decode call
  std::int32_t idle_chunk = 512;  // prompt tokens per sequence and step while no stream runs; >= 2
  // DecoderTraits::mixes_rows. Without it every prompt is a call of its own, so that more than
  // idle_chunk tokens in one step would only delay cancels and new requests.
  bool mixes_rows = false;
};

// Continuous batching: every running stream gets its decode row in every step; prompts share what
// is left, the better class first and in it the prompt with the least left, so that no short prompt
// waits behind a long one and prompts alike are not served in turns, which would delay all of them.
// Every kOldestTurn-th step serves the one that waits longest first: nobody starves.
//
// A prompt is never left with a single token and never cut to one: a prefill call of one token
// takes another code path in the backend and would give other bits than the same token in a chunk.
//
// Pure: a plan depends on the arguments alone.
class Scheduler {
 public:
  static constexpr std::uint64_t kOldestTurn = 16;

  explicit Scheduler(const SchedulerConfig& config) : config_(config) {}

  // step: how many came before. The budget binds beside streams, and where prompts do not share a
  // call it binds all but the first: who is done with its prompt does not wait for the others.
  BatchPlan Plan(const std::vector<SequenceView>& sequences, std::uint64_t step,
                 PrefillBudget budget) const;

  // Prompts in the order in which they are served.
  static std::vector<const SequenceView*> Prompts(const std::vector<SequenceView>& sequences,
                                                  std::uint64_t step);

 private:
  std::int32_t ChunkSize(std::int32_t prompt_left, std::int32_t limit) const;
  // Rows that may share a call.
  struct Group {
    const AdapterSet* adapters;
    Batch rows;
  };

  std::vector<Group> DecodeGroups(const std::vector<SequenceView>& sequences) const;
  std::vector<Group> PrefillGroups(const std::vector<const SequenceView*>& prompts,
                                   PrefillBudget budget, std::int32_t first_limit) const;

  const SchedulerConfig config_;
};

}  // namespace sentiric
