// SPDX-License-Identifier: AGPL-3.0-only
// The scheduler's decision for one step, as a value.
#pragma once

#include <cstdint>
#include <vector>

#include "core/seams/decoder.h"

namespace sentiric {

// Each batch is one Decode call, in this order. All rows of a batch use the same adapters.
struct BatchPlan {
  std::vector<Batch> batches;
  std::size_t num_rows() const {
    std::size_t n = 0;
    for (const Batch& batch : batches) n += batch.size();
    return n;
  }
};
inline bool operator==(const BatchPlan& a, const BatchPlan& b) { return a.batches == b.batches; }

// What the scheduler needs to know about one sequence. `tokens` are prompt and generated tokens so
// far; positions below `evaluated` are in the KV cache.
struct SequenceView {
  SeqId seq = 0;
  const std::vector<Token>* tokens = nullptr;
  std::int32_t evaluated = 0;
  std::int32_t prompt_size = 0;  // positions below it are prefilled in chunks
  std::uint64_t waited = 0;      // steps since its last prefill chunk, or since it began
  Priority priority = Priority::kNormal;
  const AdapterSet* adapters = nullptr;  // only rows with the same ones share a call
  // Past the prompt: tokens that are evaluated together, the last sampled one and those that a
  // grammar forced behind it.
  std::int32_t run = 1;
  // Drafted tokens behind the run; each gets logits that verify the next. Null = none.
  const std::vector<Token>* draft = nullptr;
  // Rows of the prompt from this position on get logits, which score the tokens behind them.
  std::int32_t scored_from = INT32_MAX;
  std::int32_t stop = 0;  // where a chunk of the prompt must end if it reaches so far; 0 = anywhere

  std::int32_t num_rows() const {
    return run + (draft == nullptr ? 0 : static_cast<std::int32_t>(draft->size()));
  }

  bool is_prefilling() const { return evaluated < prompt_size; }
  bool is_scored() const { return scored_from < prompt_size; }
  std::int32_t prompt_left() const { return prompt_size - evaluated; }
  std::int32_t chunk_left() const { return (stop > evaluated ? stop : prompt_size) - evaluated; }
};

}  // namespace sentiric
