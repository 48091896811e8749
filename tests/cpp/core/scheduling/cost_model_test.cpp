// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/cost_model.h"

#include <cmath>
#include <random>

#include "check.h"

using namespace sentiric;

namespace {

// A machine that the model can describe exactly.
double Machine(const CallShape& s) {
  return (s.decode_rows > 1 ? 30.0 : 12.0) * s.decode_calls + 2.0 * s.decode_rows +
         1e-3 * static_cast<double>(s.decode_context) + (s.prefill_tokens > 0 ? 25.0 : 0.0) +
         5.0 * s.prefill_tokens + 1e-4 * static_cast<double>(s.prefill_context);
}

CallShape RandomShape(std::mt19937* random) {
  CallShape shape;
  const auto pick = [&](int high) {
    return static_cast<std::int32_t>((*random)() % static_cast<unsigned>(high));
  };
  shape.decode_rows = pick(9);
  shape.decode_calls = shape.decode_rows > 0 ? 1 : 0;
  shape.decode_context = shape.decode_rows * pick(2000);
  shape.prefill_tokens = pick(2) * (2 + pick(500));
  shape.prefill_context = static_cast<std::int64_t>(shape.prefill_tokens) * pick(2000);
  return shape;
}

}  // namespace

TEST(CostModel, LearnsALinearMachine) {
  CostModel model;
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const CallShape shape = RandomShape(&random);
    model.Learn(shape, Machine(shape));
  }
  EXPECT(model.error() < 0.01);
  for (int i = 0; i < 50; ++i) {
    const CallShape shape = RandomShape(&random);
    if (shape.decode_rows + shape.prefill_tokens == 0) continue;
    EXPECT(std::abs(model.Predict(shape) - Machine(shape)) < 0.02 * Machine(shape) + 0.5);
  }
}

TEST(CostModel, TheBudgetMeetsTheTarget) {
  CostModel model;
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    const CallShape shape = RandomShape(&random);
    model.Learn(shape, Machine(shape));
  }
  const CallShape streams{1, 4, 2000, 0, 0};
  EXPECT_EQ(model.PassInTokens(), 5);  // 25 ms and 5 ms
  for (const double target : {150.0, 200.0, 400.0}) {
    const std::int32_t budget = model.PrefillBudget(streams, target, 1000, 2, 64);
    CallShape step = streams;
    step.prefill_tokens = budget;
    step.prefill_context = static_cast<std::int64_t>(budget) * (1000 + budget / 2);
    EXPECT(Machine(step) <= target * 1.03);
    EXPECT(Machine(step) >= target * 0.95);
  }
}

TEST(CostModel, WhatIsUnknownIsGivenAndTheLeastGoesOn) {
  CostModel model;
  EXPECT_EQ(model.PrefillBudget({}, 200, 0, 16, 64), 64);
  model.Learn({0, 0, 0, 100, 5000}, 100000.0);  // a second per token
  EXPECT_EQ(model.PrefillBudget({1, 1, 10, 0, 0}, 200, 0, 16, 64), 16);
}

TEST(CostModel, TwoNoisyCallsDoNotAllowAHugeOne) {
  CostModel model;
  model.Learn({0, 0, 0, 20, 200}, 30.0);
  model.Learn({0, 0, 0, 24, 300}, 25.0);  // more tokens in less time: the line falls
  EXPECT(model.PrefillBudget({1, 1, 50, 0, 0}, 200, 0, 16, 64) <= 64);
  model.Learn({0, 0, 0, 64, 3000}, 60.0);
  EXPECT(model.PrefillBudget({1, 1, 50, 0, 0}, 1e9, 0, 16, 64) <= 128);
}

TEST(CostModel, ForgetsWhatTheMachineWas) {
  CostModel model;
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    const CallShape shape = RandomShape(&random);
    model.Learn(shape, Machine(shape) * (i < 1000 ? 1.0 : 3.0));  // now slower
  }
  EXPECT(model.error() < 0.02);
}

// Another process takes the cores for a while: what was learnt stays.
TEST(CostModel, CallsThatWereHeldUpTeachNothing) {
  CostModel model;
  std::mt19937 random(4);
  const CallShape streams{1, 4, 2000, 0, 0};
  for (int i = 0; i < 300; ++i) {
    const CallShape shape = RandomShape(&random);
    model.Learn(shape, Machine(shape));
  }
  const std::int32_t before = model.PrefillBudget(streams, 300, 1000, 2, 64);
  for (int i = 0; i < 40; ++i) {
    const CallShape shape = RandomShape(&random);
    model.Learn(shape, Machine(shape) * (i % 4 == 0 ? 40.0 : 1.0));
  }
  const std::int32_t after = model.PrefillBudget(streams, 300, 1000, 2, 64);
  EXPECT(after >= before * 3 / 4);
  EXPECT(after <= before);
}

// One kind of call says nothing about the others, and nothing becomes cheaper than nothing.
TEST(CostModel, CallsThatLookAllAlikeGiveSensibleWeights) {
  CostModel model;
  std::mt19937 random(5);
  std::normal_distribution<double> noise(1.0, 0.2);
  for (int i = 0; i < 200; ++i) {
    model.Learn({1, 1, 1240 + i, 0, 0}, 20.0 * noise(random));
    model.Learn({0, 0, 0, 16, 19320 + 16 * i}, 100.0 * noise(random));
  }
  const double sixteen = model.Predict({0, 0, 0, 16, 20000});
  EXPECT(sixteen > 80 && sixteen < 120);
  const double fifty = model.Predict({0, 0, 0, 50, 62500});
  EXPECT(fifty >= sixteen);
  EXPECT(fifty < sixteen * 50 / 16 * 1.1);
  EXPECT(model.Predict({1, 2, 2480, 0, 0}) >= 20.0);
}
