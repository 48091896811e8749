// SPDX-License-Identifier: AGPL-3.0-only
// Decides what one step evaluates.
#pragma once

#include <cstdint>
#include <vector>

#include "core/scheduling/batch_plan.h"

namespace sentiric {

// How many prompt tokens a step may evaluate while other requests wait for it. Where each prompt
// has a call of its own, each further call counts as `call_cost` tokens; 0 = unknown.
struct PrefillBudget {
  std::int32_t tokens = 0;
  std::int32_t call_cost = 0;
};

struct SchedulerConfig {
  std::int32_t max_batch = 2048;  // rows per Decode call
  std::int32_t idle_chunk = 512;  // prompt tokens per sequence and step while no stream runs; >= 2
  // DecoderTraits::mixes_rows. Without it every prompt has a call of its own, and more than
  // idle_chunk tokens in a step would only delay cancels and new requests.
  bool mixes_rows = false;
  bool can_recut = false;                // DecoderTraits::can_recut
  std::int32_t max_outputs = INT32_MAX;  // DecoderTraits::max_outputs
};

// Continuous batching. Every running stream gets its decode row in every step. Prompts share the
// rest: the higher class first, and in it the prompt with the fewest tokens left. So a short prompt
// does not wait behind a long one, and equal prompts are not served in turns, which would delay all
// of them. In every kOldestTurn-th step the prompt of a class that has waited longest goes first,
// so that none starves.
//
// Where each run of a stream has a call of its own, one that is shorter than such a call costs goes
// token by token in the call of the other streams, if that gives the same bits: they wait less.
//
// A prompt is never cut to a single token, nor is one left over: a prefill call of one token takes
// a different code path in the backend and gives other bits than the same token in a chunk.
//
// A prompt whose tokens are scored has a call of its own with few rows, because all of them have
// logits.
//
// Pure: a plan depends on the arguments alone.
class Scheduler {
 public:
  static constexpr std::uint64_t kOldestTurn = 16;

  explicit Scheduler(const SchedulerConfig& config) : config_(config) {}

  // step: the number of steps before this one. The budget applies while streams run; where prompts
  // do not share a call, also without streams to all but the first prompt, whose request need not
  // wait for the others then.
  BatchPlan Plan(const std::vector<SequenceView>& sequences, std::uint64_t step,
                 PrefillBudget budget) const;

  // Prompts in the order in which they are served.
  static std::vector<const SequenceView*> Prompts(const std::vector<SequenceView>& sequences,
                                                  std::uint64_t step);

 private:
  std::int32_t ChunkSize(const SequenceView& view, std::int32_t limit) const;
  // Rows with the same adapters, which may share a call.
  struct Group {
    const AdapterSet* adapters;
    Batch rows;
    bool is_alone = false;  // shares its call with no other group
  };

  std::vector<Group> DecodeGroups(const std::vector<SequenceView>& sequences,
                                  std::int32_t call_cost) const;
  std::vector<Group> PrefillGroups(const std::vector<const SequenceView*>& prompts,
                                   PrefillBudget budget, std::int32_t first_limit) const;

  const SchedulerConfig config_;
};

}  // namespace sentiric
