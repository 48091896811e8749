// SPDX-License-Identifier: AGPL-3.0-only
// The statistics of the loop become visible when they are published, and not before.
#include "engine/loop_stats.h"

#include <cmath>

#include "check.h"

using namespace sentiric;

namespace {

Event Ended(FinishReason reason) {
  Event event;
  event.final.emplace();
  event.final->finish_reason = reason;
  return event;
}

}  // namespace

TEST(LoopStats, NothingIsSeenBeforeItIsPublished) {
  LoopStats stats(512);
  stats.OnPrefilled(7);
  stats.OnPreempted();
  EXPECT_EQ(stats.stats().prompt_tokens, 0u);
  stats.Publish();
  EXPECT_EQ(stats.stats().kv_cells, 512);
  EXPECT_EQ(stats.stats().prompt_tokens, 7u);
  EXPECT_EQ(stats.stats().preemptions, 1u);
  stats.OnResumed();
  EXPECT_EQ(stats.stats().resumes, 0u);
}

TEST(LoopStats, TokensThatWereForcedAreJumpedOver) {
  LoopStats stats(0);
  stats.OnGenerated(1, false);
  stats.OnGenerated(4, false);  // three of them forced
  stats.OnGenerated(3, true);   // two of them drafted
  stats.OnVerified(5, 2);
  stats.Publish();
  EXPECT_EQ(stats.stats().generated_tokens, 8u);
  EXPECT_EQ(stats.stats().jumped_tokens, 3u);
  EXPECT_EQ(stats.stats().drafted_tokens, 5u);
  EXPECT_EQ(stats.stats().accepted_draft_tokens, 2u);
}

TEST(LoopStats, EndsAreCountedByTheirReason) {
  LoopStats stats(0);
  stats.OnEvents({Ended(FinishReason::kStop), Event{}, Ended(FinishReason::kCancelled)});
  stats.OnEvents({Ended(FinishReason::kError)});
  stats.Publish();
  EXPECT_EQ(stats.stats().requests_completed, 3u);
  EXPECT_EQ(stats.stats().requests_cancelled, 1u);
  EXPECT_EQ(stats.stats().requests_failed, 1u);
}

TEST(LoopStats, TheTimeOfAStepIsThatOfItsCalls) {
  LoopStats stats(0);
  stats.OnCall(30);
  stats.OnCall(10);
  stats.OnStep();
  stats.Publish();
  EXPECT_EQ(stats.stats().steps, 1u);
  EXPECT_EQ(stats.stats().step_ms_mean, 40.0);
  stats.OnCall(140);
  stats.OnStep();
  stats.Publish();
  EXPECT(std::abs(stats.stats().step_ms_mean - 50) < 1e-9);  // a tenth of the way
}

TEST(LoopStats, HoldsOfContextsGiveThePace) {
  LoopStats stats(0);
  for (std::int64_t i = 0; i < Pace::kLeastHolds; ++i) stats.OnFreed(200);
  EXPECT_EQ(stats.RoomMs(1, 2), 100);
  EXPECT(!stats.pace().HoldMs());
  stats.Publish();
  EXPECT_EQ(*stats.pace().HoldMs(), 200.0);
  EXPECT_EQ(stats.stats().request_ms_mean, 200.0);
}
