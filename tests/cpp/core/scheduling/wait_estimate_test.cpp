// SPDX-License-Identifier: AGPL-3.0-only
// How long a new request waits: from the recent pace, the requests before it and the contexts.
#include "core/scheduling/wait_estimate.h"

#include <cmath>
#include <limits>
#include <random>

#include "check.h"

using namespace sentiric;

namespace {

constexpr Priority kRealtime = Priority::kRealtime, kNormal = Priority::kNormal,
                   kBatch = Priority::kBatch;

Pace PaceOf(double ms, std::int64_t holds = Pace::kLeastHolds) {
  Pace pace;
  for (std::int64_t i = 0; i < holds; ++i) pace.OnFreed(ms);
  return pace;
}

WaitEstimator LineOf(std::int32_t contexts, int num_normal) {
  WaitEstimator line(contexts, {});
  for (int i = 0; i < num_normal; ++i) line.Enter(kNormal, "");
  return line;
}

}  // namespace

TEST(WaitEstimate, AColdStartKnowsNothing) {
  const WaitEstimator line = LineOf(1, 500);
  EXPECT(!line.WaitMs(PaceOf(1000, Pace::kLeastHolds - 1), kNormal, ""));
  EXPECT_EQ(PaceOf(1000, Pace::kLeastHolds - 1).RoomMs(8, 1), 0);
  EXPECT(line.WaitMs(PaceOf(1000), kNormal, "").has_value());
}

TEST(WaitEstimate, AFreeContextIsNoWaitAndEachBeforeItIsOneEnd) {
  const Pace pace = PaceOf(1000);
  EXPECT_EQ(*LineOf(4, 0).WaitMs(pace, kNormal, ""), 0);
  EXPECT_EQ(*LineOf(4, 3).WaitMs(pace, kNormal, ""), 0);
  EXPECT_EQ(*LineOf(4, 4).WaitMs(pace, kNormal, ""), 250);
  EXPECT_EQ(*LineOf(4, 11).WaitMs(pace, kNormal, ""), 2000);
  EXPECT_EQ(*LineOf(1, 5).WaitMs(pace, kNormal, ""), 5000);
  EXPECT_EQ(pace.RoomMs(0, 4), 250);
  EXPECT_EQ(pace.RoomMs(1, 4), 250);
  EXPECT_EQ(pace.RoomMs(64, 4), 8000);  // half of the queue
}

TEST(WaitEstimate, WhoLeavesShortensTheLine) {
  WaitEstimator line = LineOf(2, 6);
  const std::int32_t before = *line.WaitMs(PaceOf(100), kNormal, "");
  for (int i = 0; i < 6; ++i) line.Leave(kNormal, "");
  line.Leave(kNormal, "");           // one leave too many
  line.Leave(kBatch, "never seen");  // unknown tenant
  EXPECT(before > 0);
  EXPECT_EQ(*line.WaitMs(PaceOf(100), kNormal, ""), 0);
}

TEST(WaitEstimate, ThePaceFollowsWhatHappenedLast) {
  Pace pace = PaceOf(60000);
  for (int i = 0; i < 60; ++i) pace.OnFreed(100);
  EXPECT(*pace.HoldMs() < 300);
  // Running requests have held their contexts for longer than the mean, which is outdated then.
  pace.SetAge(5000);
  EXPECT_EQ(*pace.HoldMs(), 5000.0);
  pace.SetAge(0);
  EXPECT(*pace.HoldMs() < 300);
}

TEST(WaitEstimate, ABetterClassDoesNotWaitForAWorseOne) {
  WaitEstimator line(4, {});
  for (int i = 0; i < 20; ++i) line.Enter(kBatch, "");
  const Pace pace = PaceOf(1000);
  EXPECT_EQ(*line.WaitMs(pace, kRealtime, ""), 0);
  EXPECT_EQ(*line.WaitMs(pace, kBatch, ""), 17 * 1000 / 4);
  for (int i = 0; i < 3; ++i) line.Enter(kRealtime, "");
  EXPECT_EQ(*line.WaitMs(pace, kRealtime, ""), 333);  // its share of three is taken
  // A flood of the higher class leaves one context.
  for (int i = 0; i < 50; ++i) line.Enter(kRealtime, "");
  EXPECT_EQ(*line.WaitMs(pace, kNormal, ""), 0);
  EXPECT_EQ(*line.WaitMs(pace, kBatch, ""), 20 * 1000);
}

TEST(WaitEstimate, OneContextIsSharedInTime) {
  WaitEstimator line(1, {});
  const Pace pace = PaceOf(900);
  for (int i = 0; i < 5; ++i) line.Enter(kRealtime, "");
  line.Enter(kNormal, "");
  EXPECT_EQ(*line.WaitMs(pace, kRealtime, ""), 5 * 1200);
  EXPECT_EQ(*line.WaitMs(pace, kNormal, ""), 3600);
}

TEST(WaitEstimate, AFloodOfOneTenantIsNoLineForAnother) {
  WaitEstimator line(2, {{"gold", 3.0}});
  for (int i = 0; i < 52; ++i) line.Enter(kNormal, "a");
  const Pace pace = PaceOf(1000);
  EXPECT_EQ(*line.WaitMs(pace, kNormal, "a"), 51 * 500);
  EXPECT_EQ(*line.WaitMs(pace, kNormal, "b"), 0);
  line.Enter(kNormal, "b");
  EXPECT_EQ(*line.WaitMs(pace, kNormal, "b"), 2 * 500);
  // A tenant of three times the weight is served three times as often.
  for (int i = 0; i < 5; ++i) line.Enter(kNormal, "gold");
  EXPECT_EQ(*line.WaitMs(pace, kNormal, "gold"), (6 + 2 + 1 - 2) * 500);
}

TEST(WaitEstimate, NeverNegativeAlwaysBounded) {
  std::mt19937 random(5);
  const double odd[] = {-1e300,
                        -1.0,
                        0.0,
                        1e-300,
                        1.0,
                        1e9,
                        1e300,
                        std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::quiet_NaN()};
  for (int round = 0; round < 2000; ++round) {
    Pace pace;
    for (int i = 0; i < 12; ++i) pace.OnFreed(odd[random() % 9]);
    pace.SetAge(odd[random() % 9]);
    WaitEstimator line(static_cast<std::int32_t>(1 + random() % 256), {{"t", 1e-9}});
    for (auto n = random() % 300; n > 0; --n) {
      line.Enter(static_cast<Priority>(random() % 3), random() % 2 ? "t" : "u");
    }
    for (const Priority priority : {kRealtime, kNormal, kBatch}) {
      const auto wait = line.WaitMs(pace, priority, random() % 2 ? "t" : "v");
      EXPECT(!wait || (*wait >= 0 && *wait <= kMostWaitMs));
    }
    const std::int32_t room = pace.RoomMs(random() % 100000, 3);
    EXPECT(room >= 0 && room <= kMostWaitMs);
  }
}
