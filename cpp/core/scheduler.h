// SPDX-License-Identifier: AGPL-3.0-only
// Decides what one step evaluates.
#pragma once

#include <vector>

#include "core/batch_plan.h"

namespace sentiric {

struct SchedulerConfig {
  std::int32_t max_batch = 2048;  // rows per Decode call
  std::int32_t idle_chunk = 512;  // prompt tokens per sequence and step while no stream runs; >= 2
  // DecoderTraits::mixes_rows. Without it every prompt is a call of its own, so that more than
  // idle_chunk tokens in one step would only delay cancels and new requests.
  bool mixes_rows = false;
};

// Continuous batching: every running stream gets its decode row in every step; prompts share what
// is left, the better class first and in it the prompt with the least left, so that no short prompt
// waits behind a long one. Each step of waiting counts as kAgeing tokens less: nobody starves.
//
// A prompt is never left with a single token and never cut to one: a prefill call of one token
// takes another code path in the backend and would give other bits than the same token in a chunk.
//
// Pure: a plan depends on the arguments alone.
class Scheduler {
 public:
  static constexpr std::int64_t kAgeing = 32;

  explicit Scheduler(const SchedulerConfig& config) : config_(config) {}

  // busy_budget: prompt tokens of the step when streams run.
  BatchPlan Plan(const std::vector<SequenceView>& sequences, std::int32_t busy_budget) const;

  // Prompts in the order in which they are served.
  static std::vector<const SequenceView*> Prompts(const std::vector<SequenceView>& sequences);

 private:
  std::int32_t ChunkSize(std::int32_t prompt_left, std::int32_t limit) const;
  // Rows that may share a call.
  struct Group {
    const AdapterSet* adapters;
    Batch rows;
  };

  std::vector<Group> DecodeGroups(const std::vector<SequenceView>& sequences) const;
  std::vector<Group> PrefillGroups(const std::vector<SequenceView>& sequences, std::int32_t budget,
                                   std::int32_t limit) const;

  const SchedulerConfig config_;
};

}  // namespace sentiric
