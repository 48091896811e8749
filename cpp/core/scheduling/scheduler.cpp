// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/scheduler.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sentiric {
namespace {

Row RowAt(const SequenceView& view, std::int32_t pos) {
  const auto& tokens = *view.tokens;
  const auto index = static_cast<std::size_t>(pos);
  // The logits of the last known token choose the next one.
  const bool wants_logits = index + 1 == tokens.size() || pos >= view.scored_from;
  return {view.seq, pos, tokens[index], wants_logits};
}

// Appends the rows of a stream: its run, then its draft.
void AppendRows(const SequenceView& view, Batch* rows) {
  for (std::int32_t i = 0; i < view.run; ++i) rows->push_back(RowAt(view, view.evaluated + i));
  if (view.draft == nullptr) return;
  Position pos = view.evaluated + view.run;
  for (const Token token : *view.draft) rows->push_back({view.seq, pos++, token, true});
}

}  // namespace

BatchPlan Scheduler::Plan(const std::vector<SequenceView>& sequences, std::uint64_t step,
                          PrefillBudget budget) const {
  std::vector<Group> groups = DecodeGroups(sequences, budget.call_cost);
  std::int32_t num_rows = 0;
  for (const Group& group : groups) num_rows += static_cast<std::int32_t>(group.rows.size());
  const bool is_busy = num_rows > 0;
  const std::int32_t room = config_.mixes_rows ? config_.max_batch - num_rows : config_.idle_chunk;
  budget.tokens = is_busy || !config_.mixes_rows ? std::min(budget.tokens, room) : room;
  if (config_.mixes_rows) budget.call_cost = 0;
  const std::int32_t first_limit = is_busy ? budget.tokens : config_.idle_chunk;
  for (Group& prefill : PrefillGroups(Prompts(sequences, step), budget, first_limit)) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return config_.mixes_rows && !group.is_alone && !prefill.is_alone &&
             group.adapters == prefill.adapters;
    });
    if (same == groups.end()) {
      groups.push_back(std::move(prefill));
    } else {
      same->rows.insert(same->rows.end(), prefill.rows.begin(), prefill.rows.end());
    }
  }
  BatchPlan plan;
  for (Group& group : groups) plan.batches.push_back(std::move(group.rows));
  return plan;
}

// Single rows share a call. A run is a chunk: where that decides its bits, it has a call of its
// own.
std::vector<Scheduler::Group> Scheduler::DecodeGroups(const std::vector<SequenceView>& sequences,
                                                      std::int32_t call_cost) const {
  std::vector<SequenceView> streams;
  for (const SequenceView& view : sequences) {
    if (!view.is_prefilling()) streams.push_back(view);
  }
  if (streams.size() > 1 && config_.can_recut && !config_.mixes_rows) {
    for (SequenceView& view : streams) {
      if (view.draft == nullptr && view.run <= call_cost) view.run = 1;
    }
  }
  std::stable_partition(streams.begin(), streams.end(),
                        [](const SequenceView& view) { return view.num_rows() == 1; });
  std::vector<Group> groups;
  for (const SequenceView& view : streams) {
    auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      const auto size = static_cast<std::int32_t>(group.rows.size()) + view.num_rows();
      return group.adapters == view.adapters && size <= config_.max_batch &&
             (view.num_rows() == 1 || config_.mixes_rows);
    });
    if (same == groups.end()) same = groups.insert(groups.end(), {view.adapters, {}, false});
    AppendRows(view, &same->rows);
  }
  for (Group& group : groups) {
    std::sort(group.rows.begin(), group.rows.end(), [](const Row& a, const Row& b) {
      return std::tie(a.seq, a.pos) < std::tie(b.seq, b.pos);
    });
  }
  return groups;
}

std::vector<const SequenceView*> Scheduler::Prompts(const std::vector<SequenceView>& sequences,
                                                    std::uint64_t step) {
  std::vector<const SequenceView*> prompts;
  for (const SequenceView& view : sequences) {
    if (view.is_prefilling()) prompts.push_back(&view);
  }
  const bool is_turn_of_oldest = step % kOldestTurn == kOldestTurn - 1;
  const auto rank = [&](const SequenceView* view) {
    return is_turn_of_oldest ? -static_cast<std::int64_t>(view->waited) : view->prompt_left();
  };
  std::stable_sort(
      prompts.begin(), prompts.end(), [&](const SequenceView* a, const SequenceView* b) {
        return a->priority != b->priority ? a->priority < b->priority : rank(a) < rank(b);
      });
  return prompts;
}

std::vector<Scheduler::Group> Scheduler::PrefillGroups(
    const std::vector<const SequenceView*>& prompts, PrefillBudget budget,
    std::int32_t first_limit) const {
  std::vector<Group> groups;
  for (const SequenceView* view : prompts) {
    const std::int32_t limit =
        groups.empty() ? first_limit : std::min(budget.tokens, config_.idle_chunk);
    if (limit < 2) break;
    const std::int32_t count = ChunkSize(*view, limit);
    Group group{view->adapters, {}, view->is_scored()};
    for (std::int32_t i = 0; i < count; ++i) {
      group.rows.push_back(RowAt(*view, view->evaluated + i));
    }
    budget.tokens -= count + budget.call_cost;
    groups.push_back(std::move(group));
  }
  return groups;
}

std::int32_t Scheduler::ChunkSize(const SequenceView& view, std::int32_t limit) const {
  const std::int32_t prompt_left = view.chunk_left();
  if (view.is_scored()) limit = std::min(limit, config_.max_outputs);
  if (prompt_left <= limit) return prompt_left;
  if (prompt_left > limit + 1) return limit;
  return limit > 2 ? limit - 1 : limit + 1;  // avoids a single token that is left over
}

}  // namespace sentiric
