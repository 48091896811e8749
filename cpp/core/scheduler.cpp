// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduler.h"

#include <algorithm>
#include <utility>

namespace sentiric {
namespace {

Row RowAt(const SequenceView& view, std::int32_t pos) {
  const auto& tokens = *view.tokens;
  const auto index = static_cast<std::size_t>(pos);
  // The last known token is the one whose logits choose the next.
  return {view.seq, pos, tokens[index], index + 1 == tokens.size()};
}

}  // namespace

BatchPlan Scheduler::Plan(const std::vector<SequenceView>& sequences) const {
  BatchPlan plan{DecodeBatches(sequences)};
  std::vector<Batch> prefill = PrefillBatches(sequences, !plan.batches.empty());
  if (config_.mixes_rows && !plan.batches.empty() && !prefill.empty()) {
    Batch& last = plan.batches.back();
    last.insert(last.end(), prefill.front().begin(), prefill.front().end());
    prefill.erase(prefill.begin());
  }
  std::move(prefill.begin(), prefill.end(), std::back_inserter(plan.batches));
  return plan;
}

std::vector<Batch> Scheduler::DecodeBatches(const std::vector<SequenceView>& sequences) const {
  Batch rows;
  for (const SequenceView& view : sequences) {
    if (!view.is_prefilling()) rows.push_back(RowAt(view, view.evaluated));
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.seq < b.seq; });
  return rows.empty() ? std::vector<Batch>{} : std::vector<Batch>{std::move(rows)};
}

std::vector<Batch> Scheduler::PrefillBatches(const std::vector<SequenceView>& sequences,
                                             bool is_busy) const {
  std::vector<const SequenceView*> waiting;
  for (const SequenceView& view : sequences) {
    if (view.is_prefilling()) waiting.push_back(&view);
  }
  std::stable_sort(
      waiting.begin(), waiting.end(),
      [](const SequenceView* a, const SequenceView* b) { return a->last_served < b->last_served; });
  std::int32_t budget = config_.mixes_rows ? config_.max_batch : config_.idle_chunk;
  if (is_busy) budget = config_.busy_chunk;
  std::vector<Batch> batches;
  for (const SequenceView* view : waiting) {
    if (budget < 2) break;
    const std::int32_t limit = std::min(budget, is_busy ? config_.busy_chunk : config_.idle_chunk);
    const std::int32_t count = ChunkSize(view->prompt_left(), limit);
    Batch batch;
    for (std::int32_t i = 0; i < count; ++i) batch.push_back(RowAt(*view, view->evaluated + i));
    budget -= count;
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::int32_t Scheduler::ChunkSize(std::int32_t prompt_left, std::int32_t limit) const {
  if (prompt_left <= limit) return prompt_left;
  return prompt_left == limit + 1 && limit > 2 ? limit - 1 : limit;
}

}  // namespace sentiric
