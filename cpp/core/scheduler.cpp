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

BatchPlan Scheduler::Plan(const std::vector<SequenceView>& sequences,
                          std::int32_t busy_budget) const {
  BatchPlan plan{DecodeBatches(sequences)};
  const bool is_busy = !plan.batches.empty();
  const auto num_rows = static_cast<std::int32_t>(plan.num_rows());
  const std::int32_t limit = is_busy ? busy_budget : config_.idle_chunk;
  const std::int32_t room = config_.mixes_rows ? config_.max_batch - num_rows : config_.idle_chunk;
  std::vector<Batch> prefill =
      PrefillBatches(sequences, is_busy ? std::min(busy_budget, room) : room, limit);
  for (Batch& batch : prefill) {
    if (config_.mixes_rows && !plan.batches.empty()) {
      plan.batches.back().insert(plan.batches.back().end(), batch.begin(), batch.end());
    } else {
      plan.batches.push_back(std::move(batch));
    }
  }
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

std::vector<const SequenceView*> Scheduler::Prompts(const std::vector<SequenceView>& sequences) {
  std::vector<const SequenceView*> prompts;
  for (const SequenceView& view : sequences) {
    if (view.is_prefilling()) prompts.push_back(&view);
  }
  const auto left = [](const SequenceView* view) {
    return view->prompt_left() - kAgeing * static_cast<std::int64_t>(view->waited);
  };
  std::stable_sort(
      prompts.begin(), prompts.end(), [&](const SequenceView* a, const SequenceView* b) {
        return a->priority != b->priority ? a->priority < b->priority : left(a) < left(b);
      });
  return prompts;
}

std::vector<Batch> Scheduler::PrefillBatches(const std::vector<SequenceView>& sequences,
                                             std::int32_t budget, std::int32_t limit) const {
  std::vector<Batch> batches;
  for (const SequenceView* view : Prompts(sequences)) {
    if (budget < 2) break;
    const std::int32_t count = ChunkSize(view->prompt_left(), std::min(budget, limit));
    Batch batch;
    for (std::int32_t i = 0; i < count; ++i) batch.push_back(RowAt(*view, view->evaluated + i));
    budget -= count;
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::int32_t Scheduler::ChunkSize(std::int32_t prompt_left, std::int32_t limit) const {
  if (prompt_left <= limit) return prompt_left;
  if (prompt_left > limit + 1) return limit;
  return limit > 2 ? limit - 1 : limit + 1;  // else a single token would be left
}

}  // namespace sentiric
