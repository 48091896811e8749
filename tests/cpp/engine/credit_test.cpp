// SPDX-License-Identifier: AGPL-3.0-only
// Only a request whose reader is behind is left out of the steps. Counted in tokens and steps, with
// a fake clock.
#include "check.h"
#include "stepper.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

constexpr std::int64_t kWindow = 16;

FakeModel Model(std::int32_t contexts) {
  FakeModel model;
  model.contexts = contexts;
  model.context_size = 4096;
  return model;
}

LoopConfig Config(std::int32_t reader_wait_ms) {
  LoopConfig config = ConfigOf({});
  config.busy_chunk = config.scheduler.idle_chunk = 64;
  config.reader_wait_ms = reader_wait_ms;
  return config;
}

Request Of(std::uint32_t seed, std::int32_t max_tokens) {
  return TokenRequest(RandomPrompt(8, seed), max_tokens);
}

std::string AloneText(const Request& request) {
  Stepper solo(Model(1), Config(0));
  const RequestId id = solo.Add(request);
  solo.Finish();
  return solo.outcomes[id].text;
}

std::uint64_t Generated(const Stepper& stepper) { return stepper.stats().generated_tokens; }

}  // namespace

TEST(Credit, OneUnreadStreamOfEightStopsAndDisturbsNobody) {
  Stepper stepper(Model(8), Config(0));
  std::vector<Request> requests;
  std::vector<RequestId> ids;
  for (std::uint32_t i = 0; i < 8; ++i) {
    requests.push_back(Of(i, i == 0 ? 1000 : 200));
    ids.push_back(stepper.Add(requests.back()));
  }
  stepper.Grant(ids[0], kWindow);
  for (int i = 0; i < 400; ++i) stepper.Step();
  EXPECT_EQ(Generated(stepper), static_cast<std::uint64_t>(kWindow) + 7 * 200);
  EXPECT_EQ(stepper.stats().reader_waits, 1);
  EXPECT_EQ(stepper.num_running(), 1u);  // it keeps its context
  EXPECT(stepper.only_waits());
  for (std::size_t i = 1; i < 8; ++i) {
    EXPECT(stepper.HasEnded(ids[i]));
    EXPECT_EQ(stepper.outcomes[ids[i]].text, AloneText(requests[i]));
  }
  // When it is read again, it resumes where it stopped.
  stepper.Grant(ids[0], 1000);
  EXPECT(!stepper.only_waits());
  EXPECT(stepper.Finish());
  EXPECT_EQ(stepper.outcomes[ids[0]].text, AloneText(requests[0]));
  EXPECT_EQ(stepper.stats().prompt_tokens, 8 * 8u);  // nothing was computed twice
}

TEST(Credit, APreemptedStreamIsComputedAgainBeforeItWaits) {
  Stepper stepper(Model(1), Config(0));
  Request request = Of(1, 1000);
  request.priority = Priority::kBatch;
  const RequestId unread = stepper.Add(request);
  stepper.Grant(unread, kWindow);
  for (int i = 0; i < 50; ++i) stepper.Step();
  const std::int32_t held = stepper.stats().kv_tokens;
  Request urgent = Of(2, 20);
  urgent.priority = Priority::kRealtime;
  const RequestId id = stepper.Add(urgent);
  for (int i = 0; i < 100; ++i) stepper.Step();
  EXPECT(stepper.HasEnded(id));
  EXPECT_EQ(stepper.stats().preemptions, 1u);
  EXPECT_EQ(stepper.stats().kv_tokens, held);  // prompt and generated tokens
  EXPECT(stepper.only_waits());
}

TEST(Credit, NoStepIsMadeForWhatNobodyReads) {
  Stepper stepper(Model(1), Config(0));
  const RequestId id = stepper.Add(Of(1, 1000));
  stepper.Grant(id, kWindow);
  for (int i = 0; i < 100; ++i) stepper.Step();
  const EngineStats before = stepper.stats();
  for (int i = 0; i < 100; ++i) stepper.Step();
  EXPECT_EQ(stepper.stats().steps, before.steps);
  EXPECT_EQ(stepper.stats().decode_calls, before.decode_calls);
  EXPECT_EQ(stepper.stats().decoding, 0);
}

TEST(Credit, AReaderWhoStaysAwayGetsATypedError) {
  Stepper stepper(Model(2), Config(500));
  stepper.fake_time = Clock::now();
  const RequestId unread = stepper.Add(Of(1, 1000));
  const RequestId slow = stepper.Add(Of(2, 200));
  stepper.Grant(unread, kWindow);
  // Each pause of the slow reader is shorter than the limit; their sum is longer.
  for (std::int64_t granted = kWindow; !stepper.HasEnded(slow); granted += kWindow) {
    stepper.Grant(slow, granted);
    for (int i = 0; i < 40; ++i) stepper.Step();
  }
  EXPECT(!stepper.FinalOf(slow).error);
  EXPECT(stepper.HasEnded(unread));
  const Final& final = stepper.FinalOf(unread);
  EXPECT(final.error && final.error->code == ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(final.error->where, std::string("reader"));
  EXPECT_EQ(final.completion_tokens, static_cast<std::int32_t>(kWindow));
  EXPECT_EQ(stepper.num_running(), 0u);
}

TEST(Credit, WhoWaitsInTheQueueGetsTheContextOfAnUnreadStream) {
  Stepper stepper(Model(1), Config(500));
  stepper.fake_time = Clock::now();
  const RequestId unread = stepper.Add(Of(1, 1000));
  stepper.Grant(unread, kWindow);
  for (int i = 0; i < 30; ++i) stepper.Step();
  const Request next = Of(2, 20);
  const RequestId id = stepper.Add(next);
  EXPECT(stepper.Finish(500));
  EXPECT_EQ(stepper.outcomes[id].text, AloneText(next));
}

TEST(Credit, CancelAndDeadlineReachAnUnreadStream) {
  Stepper stepper(Model(2), Config(0));
  stepper.fake_time = Clock::now();
  Request hurried = Of(1, 1000);
  hurried.deadline_ms = 1000;
  const RequestId late = stepper.Add(hurried), left = stepper.Add(Of(2, 1000));
  for (const RequestId id : {late, left}) stepper.Grant(id, kWindow);
  for (int i = 0; i < 50; ++i) stepper.Step();
  stepper.Cancel(left);
  for (int i = 0; i < 100; ++i) stepper.Step();
  EXPECT(stepper.FinalOf(left).finish_reason == FinishReason::kCancelled);
  EXPECT_EQ(stepper.FinalOf(late).error->where, std::string("deadline"));
}

TEST(Credit, TheEngineCountsWhatItsReaderTakes) {
  const auto engine = MakeEngine(Model(2));
  const Request request = Of(1, 300);
  const RequestId id = *engine->Submit(request, static_cast<std::int32_t>(kWindow));
  std::string text;
  std::int64_t taken = 0, most_ahead = 0, granted = 0;
  bool is_over = false;
  while (!is_over) {
    std::vector<Event> events;
    engine->WaitEvents(&events, std::chrono::milliseconds(1000));
    for (const Event& event : events) {
      text += event.text;
      taken += static_cast<std::int64_t>(event.tokens.size());
      is_over = is_over || event.final.has_value();
    }
    most_ahead = std::max(most_ahead, taken - granted);
    engine->Grant(id, static_cast<std::int32_t>(taken - granted));
    granted = taken;
  }
  EXPECT_EQ(taken, 300);
  EXPECT(most_ahead <= kWindow);
  EXPECT_EQ(text, AloneText(request));
  engine->Grant(id, 5);  // ignored: it has ended
}
