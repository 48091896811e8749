// SPDX-License-Identifier: AGPL-3.0-only
// Decides what one step evaluates.
#pragma once

#include <vector>

#include "core/batch_plan.h"

namespace sentiric {

struct SchedulerConfig {
  std::int32_t max_batch = 2048;  // rows per Decode call
  std::int32_t busy_chunk = 128;  // prompt tokens per step while others decode; >= 2
  std::int32_t idle_chunk = 512;  // prompt tokens per sequence and step otherwise; >= 2
  // DecoderTraits::mixes_rows. Without it every prompt is a call of its own, so that more than
  // idle_chunk tokens in one step would only delay cancels and new requests.
  bool mixes_rows = false;
};

// Continuous batching: every running stream gets its decode row in every step; prompts get chunks,
// the one that waited longest first, so that no prompt stops a stream or another prompt.
//
// A prompt is never left with a single token and never cut to one: a prefill call of one token
// takes another code path in the backend and would give other bits than the same token in a chunk.
//
// Pure: a plan depends on the arguments alone.
class Scheduler {
 public:
  explicit Scheduler(const SchedulerConfig& config) : config_(config) {}

  BatchPlan Plan(const std::vector<SequenceView>& sequences) const;

 private:
  std::int32_t ChunkSize(std::int32_t prompt_left, std::int32_t limit) const;
  std::vector<Batch> DecodeBatches(const std::vector<SequenceView>& sequences) const;
  std::vector<Batch> PrefillBatches(const std::vector<SequenceView>& sequences, bool is_busy) const;

  const SchedulerConfig config_;
};

}  // namespace sentiric
