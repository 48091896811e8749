// SPDX-License-Identifier: AGPL-3.0-only
// What a class may hold while others wait, and turns of classes.
#include "core/scheduling/class_share.h"

#include <random>

#include "check.h"
#include "core/scheduling/preemption.h"

using namespace sentiric;

namespace {

constexpr Priority kRealtime = Priority::kRealtime, kNormal = Priority::kNormal,
                   kBatch = Priority::kBatch;

// Steps until the class is due, while another one holds everything.
int StepsUntilDue(ClassTurns* turns, Priority priority, const ByClass& held,
                  const ByClass& waiting) {
  int steps = 0;
  for (; !turns->IsDue(priority) && steps < 1000; ++steps) turns->OnStep(held, waiting, held);
  return steps;
}

}  // namespace

TEST(ClassShare, ThreeQuartersAndNeverAllOfSeveral) {
  EXPECT_EQ(ClassLimit(1), 1);
  EXPECT_EQ(ClassLimit(2), 1);
  EXPECT_EQ(ClassLimit(4), 3);
  EXPECT_EQ(ClassLimit(8), 6);
  for (std::int32_t contexts = 2; contexts <= 256; ++contexts) {
    EXPECT(ClassLimit(contexts) >= 1 && ClassLimit(contexts) < contexts);
  }
}

TEST(ClassShare, AClassThatWaitsLongHasItsTurnAndThenMustWaitAgain) {
  ClassTurns turns;
  EXPECT_EQ(StepsUntilDue(&turns, kNormal, {1, 0, 0}, {3, 1, 0}), ClassTurns::kWaitSteps);
  EXPECT(!turns.IsDue(kRealtime) && !turns.IsDue(kBatch));
  for (int i = 1; i < ClassTurns::kTurnSteps; ++i)
    EXPECT(!turns.OnStep({0, 1, 0}, {4, 0, 0}, {0, 1, 0}));
  EXPECT(turns.IsDue(kNormal));
  EXPECT(turns.OnStep({0, 1, 0}, {4, 0, 0}, {0, 1, 0}));
  EXPECT(!turns.IsDue(kNormal));
  EXPECT_EQ(StepsUntilDue(&turns, kNormal, {1, 0, 0}, {3, 1, 0}), ClassTurns::kWaitSteps);
}

TEST(ClassShare, StepsThatOnlyRepeatWhatWasLostCountForNobody) {
  ClassTurns turns;
  for (int i = 0; i < 1000; ++i) turns.OnStep({1, 0, 0}, {3, 1, 0}, {0, 0, 0});
  EXPECT(!turns.IsDue(kNormal));
  EXPECT_EQ(StepsUntilDue(&turns, kNormal, {1, 0, 0}, {3, 1, 0}), ClassTurns::kWaitSteps);
  for (int i = 0; i < 1000; ++i) EXPECT(!turns.OnStep({0, 1, 0}, {4, 0, 0}, {0, 0, 0}));
  EXPECT(turns.IsDue(kNormal));
}

TEST(ClassShare, WhoHasAContextOrDoesNotWaitEarnsNoTurn) {
  ClassTurns turns;
  for (int i = 0; i < 1000; ++i) turns.OnStep({3, 1, 0}, {3, 9, 0}, {3, 1, 0});
  EXPECT(!turns.IsDue(kNormal) && !turns.IsDue(kBatch));
  for (int i = 0; i + 1 < ClassTurns::kWaitSteps; ++i)
    turns.OnStep({4, 0, 0}, {0, 1, 0}, {4, 0, 0});
  turns.OnStep({4, 0, 0}, {0, 0, 0}, {4, 0, 0});  // it left
  EXPECT_EQ(StepsUntilDue(&turns, kNormal, {4, 0, 0}, {0, 1, 0}), ClassTurns::kWaitSteps);
  EXPECT(turns.OnStep({4, 0, 0}, {0, 0, 0}, {4, 0, 0}));  // and again: the turn is over
  EXPECT(!turns.IsDue(kNormal));
}

TEST(ClassShare, ABetterClassStopsAtItsShare) {
  const std::vector<Claim> mixed = {
      {kRealtime, "a", 1}, {kRealtime, "a", 2}, {kRealtime, "a", 3}, {kNormal, "b", 4}};
  EXPECT(!ChooseVictim({kRealtime, "a", 9}, mixed, 4));
  EXPECT(!ChooseVictim({kNormal, "b", 9}, mixed, 4));
  const std::vector<Claim> room = {
      {kRealtime, "a", 1}, {kRealtime, "a", 2}, {kNormal, "b", 3}, {kNormal, "b", 4}};
  EXPECT(ChooseVictim({kRealtime, "a", 9}, room, 4) == std::size_t{3});
}

TEST(ClassShare, AWorseClassTakesBackWhatIsAboveTheShare) {
  const std::vector<Claim> all = {{kRealtime, "a", 1}, {kRealtime, "b", 2}};
  EXPECT(ChooseVictim({kNormal, "c", 9}, all, 2) == std::size_t{1});
  // One of two is a share.
  EXPECT(!ChooseVictim({kNormal, "c", 9}, {{kRealtime, "a", 1}, {kBatch, "b", 2, true}}, 2));
  // With one context, time is what is shared.
  EXPECT(!ChooseVictim({kNormal, "c", 9}, {{kRealtime, "a", 1}}, 1));
}

TEST(ClassShare, InItsTurnAClassPreemptsABetterOneAndIsNotPreempted) {
  const Claim due{kBatch, "c", 9, true};
  EXPECT(ChooseVictim(due, {{kRealtime, "a", 1}}, 1) == std::size_t{0});
  EXPECT(ChooseVictim(due, {{kRealtime, "a", 1}, {kNormal, "b", 2}}, 2) == std::size_t{1});
  EXPECT(!ChooseVictim({kRealtime, "a", 10}, {due}, 1));
  EXPECT(!ChooseVictim(due, {{kRealtime, "a", 1}, {kBatch, "c", 2, true}}, 2));  // it has one
  const std::vector<Claim> pressed = {{kRealtime, "a", 1}, {kNormal, "b", 2}, due};
  EXPECT_EQ(ChooseUnderPressure(pressed), 1u);
  EXPECT_EQ(ChooseUnderPressure({due}), 0u);
}

// Any running set: a victim exists, is allowed by the rules, and is never in its turn.
TEST(ClassShare, RandomLoadsKeepTheRules) {
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    const auto contexts = static_cast<std::int32_t>(1 + random() % 9);
    std::array<bool, 3> is_due{};
    is_due[random() % 3] = random() % 3 == 0;
    std::vector<Claim> running;
    for (std::int32_t i = 0; i < contexts; ++i) {
      const auto priority = static_cast<Priority>(random() % 3);
      running.push_back({priority, std::string(1, static_cast<char>('a' + random() % 3)),
                         static_cast<RequestId>(i + 1), is_due[ClassIndex(priority)]});
    }
    const auto priority = static_cast<Priority>(random() % 3);
    const Claim waiting{priority, "b", 99, is_due[ClassIndex(priority)]};
    const auto victim = ChooseVictim(waiting, running, contexts);
    const ByClass held = HeldByClass(running);
    const std::int32_t own = held[ClassIndex(priority)];
    if (!victim) {
      // While another class waits, no class keeps more than its share.
      for (std::size_t i = 0; i < held.size(); ++i) {
        const bool is_other = i != ClassIndex(priority);
        EXPECT(!is_other || is_due[i] || held[i] <= ClassLimit(contexts));
      }
      continue;
    }
    ASSERT(*victim < running.size());
    const Claim& preempted = running[*victim];
    if (preempted.priority == priority) continue;
    EXPECT(!preempted.is_due);
    EXPECT(own < ClassLimit(contexts) || contexts == 1);
    const bool is_better = preempted.priority < priority;
    const bool is_above = held[ClassIndex(preempted.priority)] > ClassLimit(contexts);
    EXPECT(!is_better || waiting.is_due || is_above);
  }
}
