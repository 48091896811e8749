// SPDX-License-Identifier: AGPL-3.0-only
// How many prompt tokens go beside running streams.
#include "core/scheduling/step_cost.h"

#include "check.h"

using namespace sentiric;

namespace {

const std::vector<Token> kTokens(400, 7);

SequenceView StreamOf(SeqId seq) {
  SequenceView view;
  view.seq = seq;
  view.tokens = &kTokens;
  view.evaluated = 399;
  view.prompt_size = 10;
  return view;
}

SequenceView PromptOf(SeqId seq) {
  SequenceView view = StreamOf(seq);
  view.evaluated = 0;
  view.prompt_size = 400;
  return view;
}

StepCostConfig WithSlo(std::int32_t ms) {
  StepCostConfig config;
  config.itl_slo_ms = ms;
  return config;
}

// A machine that takes 5 ms for a decode pass and 1 ms for each prompt token.
void Teach(StepCost* cost) {
  for (int i = 0; i < 50; ++i) {
    const std::int32_t tokens = 50 + 10 * (i % 15);
    cost->Learn({1, 1, 0, 0, 0}, 5);
    cost->Learn({1, 1, 0, tokens, 0}, 5 + tokens);
  }
}

}  // namespace

TEST(StepCost, AFixedChunkIsTheBudget) {
  StepCostConfig config = WithSlo(100);
  config.busy_chunk = 24;
  StepCost cost(config);
  EXPECT_EQ(cost.BudgetFor({StreamOf(0), PromptOf(1)}, 0, Clock::now()).tokens, 24);
  EXPECT_EQ(cost.last_budget(), 0);  // nothing was worked out
}

TEST(StepCost, WithoutABoundPromptsTakeTheWholeBatch) {
  StepCostConfig config;
  config.max_batch = 777;
  StepCost cost(config);
  EXPECT_EQ(cost.BudgetFor({StreamOf(0), PromptOf(1)}, 0, Clock::now()).tokens, 777);
}

TEST(StepCost, TheFirstBudgetIsACautiousOne) {
  StepCost cost(WithSlo(1000));
  EXPECT_EQ(cost.BudgetFor({StreamOf(0), PromptOf(1)}, 0, Clock::now()).tokens,
            StepCost::kFirstBudget);
}

TEST(StepCost, WhatFitsIntoTheStepIsTheBudget) {
  StepCost cost(WithSlo(10000));
  Teach(&cost);
  const auto at_once = cost.BudgetFor({StreamOf(0), PromptOf(1)}, 0, Clock::now());
  EXPECT_EQ(at_once.tokens, 380);  // twice the largest call that was seen
  StepCost tight(WithSlo(10000));
  Teach(&tight);
  // All but 100 ms of the step are over.
  const auto late = tight.BudgetFor({StreamOf(0), PromptOf(1)}, 0,
                                    Clock::now() - std::chrono::milliseconds(9900));
  EXPECT(late.tokens > 60 && late.tokens < 100);
  EXPECT_EQ(tight.last_budget(), late.tokens);
}

TEST(StepCost, HoweverLateThePromptsGoOn) {
  StepCost cost(WithSlo(50));
  Teach(&cost);
  const auto began = Clock::now() - std::chrono::seconds(9);
  EXPECT_EQ(cost.BudgetFor({StreamOf(0), PromptOf(1)}, 0, began).tokens, StepCost::kLeastBudget);
}

TEST(StepCost, WithoutPromptsTheLastBudgetStands) {
  StepCost cost(WithSlo(1000));
  cost.BudgetFor({StreamOf(0), PromptOf(1)}, 0, Clock::now());
  EXPECT_EQ(cost.BudgetFor({StreamOf(0)}, 1, Clock::now()).tokens, 0);
  EXPECT_EQ(cost.last_budget(), StepCost::kFirstBudget);
}
