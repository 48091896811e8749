// SPDX-License-Identifier: AGPL-3.0-only
// How many prompt tokens a step may evaluate beside running streams, from the measured cost of
// calls.
#pragma once

#include <cstdint>
#include <vector>

#include "core/scheduling/batch_plan.h"
#include "core/scheduling/cost_model.h"
#include "core/scheduling/scheduler.h"

namespace sentiric {

struct StepCostConfig {
  std::int32_t max_batch = 2048;
  std::int32_t busy_chunk = 0;  // prompt tokens beside running streams; 0 = by itl_slo_ms
  std::int32_t itl_slo_ms = 0;  // longest step while streams run; 0 = off, the whole batch
};

// One thread uses it.
class StepCost {
 public:
  // Prompt tokens of a step before the cost of one is known, and the fewest beside running streams
  // on any machine.
  static constexpr std::int32_t kFirstBudget = 64, kLeastBudget = 16;

  explicit StepCost(const StepCostConfig& config) : config_(config) {}

  // The budget of step `step`, which began at `began`. Streams have waited since then, so states
  // that were saved or copied meanwhile count as part of the step.
  PrefillBudget BudgetFor(const std::vector<SequenceView>& views, std::uint64_t step,
                          Clock::time_point began);
  // A call of this shape took `ms`.
  void Learn(const CallShape& shape, double ms) { model_.Learn(shape, ms); }

  double Predict(const CallShape& shape) const { return model_.Predict(shape); }
  double error() const { return model_.error(); }  // see CostModel
  // The last budget that the cost model gave.
  std::int32_t last_budget() const { return last_budget_; }

 private:
  const StepCostConfig config_;
  CostModel model_;
  std::int32_t last_budget_ = 0;
};

}  // namespace sentiric
