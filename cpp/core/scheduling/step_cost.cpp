// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/step_cost.h"

#include <set>

#include "core/scheduling/milliseconds.h"

namespace sentiric {
namespace {

// The decode rows of the step, which run whatever the budget is; without drafts.
CallShape DecodeRowsOf(const std::vector<SequenceView>& views) {
  CallShape shape;
  std::set<const AdapterSet*> groups;
  for (const SequenceView& view : views) {
    if (view.is_prefilling()) continue;
    ++shape.decode_rows;
    groups.insert(view.adapters);
    shape.decode_context += view.evaluated;
  }
  shape.decode_calls = static_cast<std::int32_t>(groups.size());
  return shape;
}

}  // namespace

PrefillBudget StepCost::BudgetFor(const std::vector<SequenceView>& views, std::uint64_t step,
                                  Clock::time_point began) {
  if (config_.busy_chunk > 0) return {config_.busy_chunk, 0};
  if (config_.itl_slo_ms <= 0) return {config_.max_batch, 0};
  const auto prompts = Scheduler::Prompts(views, step);
  if (prompts.empty()) return {0, model_.PassInTokens()};
  const double left_ms = config_.itl_slo_ms - Milliseconds(Clock::now() - began);
  last_budget_ = model_.PrefillBudget(DecodeRowsOf(views), left_ms, prompts[0]->evaluated,
                                      kLeastBudget, kFirstBudget);
  return {last_budget_, model_.PassInTokens()};
}

}  // namespace sentiric
