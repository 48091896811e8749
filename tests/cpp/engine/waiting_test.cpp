// SPDX-License-Identifier: AGPL-3.0-only
// No request waits for ever: shares and turns of classes, preemption, the limit on waiting, early
// refusals. Counted in steps, with a fake clock.
#include <random>

#include "check.h"
#include "stepper.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

FakeModel Model(std::int32_t contexts) {
  FakeModel model;
  model.contexts = contexts;
  model.context_size = 4096;
  return model;
}

// Prompts fit into one step.
LoopConfig Config(std::int32_t wait_ms) {
  LoopConfig config = ConfigOf({});
  config.busy_chunk = config.scheduler.idle_chunk = 64;
  config.queue.wait_ms = wait_ms;
  return config;
}

Request Of(Priority priority, std::uint32_t seed, std::int32_t max_tokens) {
  Request request = TokenRequest(RandomPrompt(8, seed), max_tokens);
  request.priority = priority;
  return request;
}

std::string AloneText(FakeModel model, const Request& request) {
  model.contexts = 1;
  model.cells = 1 << 20;
  Stepper solo(model, Config(0));
  const RequestId id = solo.Add(request);
  solo.Finish();
  return solo.outcomes[id].text;
}

bool IsRefusedForWaiting(const Final& final) {
  return final.error && final.error->code == ErrorCode::kDeadlineExceeded &&
         final.error->where == "queue";
}

}  // namespace

TEST(Waiting, SixRealtimeCallersLeaveANormalOneItsContext) {
  Stepper stepper(Model(2), Config(0));
  for (std::uint32_t i = 0; i < 6; ++i) stepper.Add(Of(Priority::kRealtime, i, 2000));
  for (int i = 0; i < 20; ++i) stepper.Step();
  EXPECT_EQ(stepper.num_running(), 2u);  // no other class waits: it has all
  const Request normal = Of(Priority::kNormal, 9, 40);
  const RequestId id = stepper.Add(normal);
  int steps = 0;
  while (!stepper.HasEnded(id) && steps < 200) stepper.Step(), ++steps;
  EXPECT(steps < 50);
  EXPECT_EQ(stepper.outcomes[id].text, AloneText(Model(2), normal));
  EXPECT_EQ(stepper.stats().preemptions, 1u);
}

TEST(Waiting, FreeContextsGoToAllClassesThatWait) {
  Stepper stepper(Model(4), Config(0));
  std::vector<RequestId> ids;
  for (std::uint32_t i = 0; i < 8; ++i) ids.push_back(stepper.Add(Of(Priority::kRealtime, i, 500)));
  const RequestId batch = stepper.Add(Of(Priority::kBatch, 9, 500));
  for (int i = 0; i < 3; ++i) stepper.Step();
  EXPECT(!stepper.outcomes[batch].text.empty());
  EXPECT(!stepper.outcomes[ids[2]].text.empty());
  EXPECT(stepper.outcomes[ids[3]].text.empty());
  EXPECT_EQ(stepper.stats().preemptions, 0u);
}

namespace {

// Steps until a normal and a batch request are answered beside four of a higher class that never
// end, on one context, and the tokens of the higher class meanwhile.
std::pair<int, std::size_t> ShareOneContext(std::uint64_t host_bytes) {
  LoopConfig config = Config(0);
  config.prefix.host_bytes = host_bytes;
  Stepper stepper(Model(1), config);
  for (std::uint32_t i = 0; i < 4; ++i) stepper.Add(Of(Priority::kRealtime, i, 4000));
  std::vector<Request> requests = {Of(Priority::kNormal, 8, 60), Of(Priority::kBatch, 9, 60)};
  std::vector<RequestId> ids;
  for (const Request& request : requests) ids.push_back(stepper.Add(request));
  int steps = 0;
  while (!(stepper.HasEnded(ids[0]) && stepper.HasEnded(ids[1])) && steps < 5000) {
    stepper.Step();
    ++steps;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stepper.outcomes[ids[i]].text, AloneText(Model(1), requests[i]));
  }
  std::size_t of_realtime = 0;
  for (RequestId id = 1; id <= 4; ++id) of_realtime += stepper.outcomes[id].text.size();
  return {steps, of_realtime};
}

}  // namespace

TEST(Waiting, OneContextIsSharedInTurns) {
  const auto [steps, of_realtime] = ShareOneContext(1 << 24);
  EXPECT(steps < 500);
  EXPECT(2 * of_realtime > static_cast<std::size_t>(steps));  // the higher class gets most of it
  // Also ends when each turn starts by recomputing what the last one lost.
  const auto [slow_steps, of_slow] = ShareOneContext(0);
  EXPECT(slow_steps < 1000);
  EXPECT(of_slow >= static_cast<std::size_t>(ClassTurns::kWaitSteps));
}

TEST(Waiting, BeingPreemptedCountsAgainstTheLimit) {
  Stepper stepper(Model(1), Config(1500));
  stepper.fake_time = Clock::now();
  const Request batch = Of(Priority::kBatch, 1, 4000);
  const RequestId preempted = stepper.Add(batch);
  for (int i = 0; i < 10; ++i) stepper.Step();
  const Clock::time_point begun = stepper.now();
  for (std::uint32_t i = 0; i < 3; ++i) {
    Request urgent = Of(Priority::kRealtime, 2 + i, 4000);
    urgent.queue_wait_ms = 1000000;
    stepper.Add(urgent);
  }
  while (!stepper.HasEnded(preempted) && stepper.num_steps() < 1000) stepper.Step();
  ASSERT(stepper.HasEnded(preempted));
  const Final& final = stepper.FinalOf(preempted);
  EXPECT(IsRefusedForWaiting(final));
  EXPECT(final.finish_reason == FinishReason::kError);
  // It had a turn in between, whose time does not count.
  const auto turn = ClassTurns::kTurnSteps * stepper.step_time;
  EXPECT(stepper.now() - begun >= std::chrono::milliseconds(1500) + turn);
  EXPECT(stepper.now() - begun <= std::chrono::milliseconds(1500) + 2 * turn);
  const std::string& text = stepper.outcomes[preempted].text;
  EXPECT(text.size() > static_cast<std::size_t>(ClassTurns::kTurnSteps));
  EXPECT_EQ(text, AloneText(Model(1), batch).substr(0, text.size()));
  EXPECT_EQ(final.completion_tokens, static_cast<std::int32_t>(text.size()));
}

TEST(Waiting, PressureDoesNotAlwaysHitTheSameClass) {
  FakeModel model = Model(4);
  model.shares_cells = model.mixes_rows = true;
  model.cells = 900;
  LoopConfig config = Config(0);
  config.scheduler.mixes_rows = true;
  config.prefix.host_bytes = 1 << 24;
  Stepper stepper(model, config);
  for (std::uint32_t i = 0; i < 3; ++i) stepper.Add(Of(Priority::kRealtime, i, 800));
  for (int i = 0; i < 280; ++i) stepper.Step();  // they soon fill the cache
  const Request batch = Of(Priority::kBatch, 9, 100);
  const RequestId id = stepper.Add(batch);
  int steps = 0;
  while (!stepper.HasEnded(id) && steps < 2000) stepper.Step(), ++steps;
  EXPECT_EQ(stepper.stats().requests_completed, 1u);  // no other request ended before it
  EXPECT(stepper.stats().preemptions > 2);
  EXPECT(stepper.Finish());
  EXPECT_EQ(stepper.stats().requests_failed, 0u);
  EXPECT_EQ(stepper.outcomes[id].text, AloneText(model, batch));
}

namespace {

// A request may be silent for the limit plus the steps in which prompts are read.
constexpr std::chrono::milliseconds kSlack{300};

class RandomLoad {
 public:
  explicit RandomLoad(std::uint32_t seed)
      : random_(seed),
        wait_ms_(static_cast<std::int32_t>(Pick(200, 3000))),
        model_(ModelOf()),
        stepper_(model_, WithHostMemory(Config(wait_ms_))) {
    stepper_.fake_time = Clock::now();
  }

  void Run() {
    for (auto n = Pick(10, 40); n > 0; --n) {
      Arrive();
      for (auto steps = Pick(0, 30); steps > 0; --steps) Step();
      if (Pick(0, 9) == 0) stepper_.Cancel(Pick(1, static_cast<std::uint32_t>(requests_.size())));
    }
    for (int i = 0; i < 200000 && num_ended_ < requests_.size(); ++i) Step();
    Check();
  }

 private:
  std::uint32_t Pick(std::uint32_t low, std::uint32_t high) {
    return low + random_() % (high - low + 1);
  }
  // A preempted sequence resumes without computing anything again.
  static LoopConfig WithHostMemory(LoopConfig config) {
    config.prefix.host_bytes = 1 << 24;
    return config;
  }
  FakeModel ModelOf() {
    FakeModel model = Model(static_cast<std::int32_t>(Pick(1, 5)));
    if (Pick(0, 1) == 0) return model;
    model.shares_cells = true;
    model.cells = static_cast<std::int32_t>(Pick(150, 600));
    return model;
  }
  void Arrive() {
    Request request =
        Of(static_cast<Priority>(Pick(0, 2)), Pick(1, 9), static_cast<std::int32_t>(Pick(1, 120)));
    request.tenant = std::string(1, static_cast<char>('a' + Pick(0, 3)));
    const RequestId id = stepper_.Add(request);
    requests_[id] = request;
    news_[id] = stepper_.now();
  }
  void Step() {
    stepper_.Step();
    for (auto& [id, last] : news_) {
      const Outcome& outcome = stepper_.outcomes[id];
      if (outcome.final || sizes_[id] != outcome.text.size()) last = stepper_.now();
      sizes_[id] = outcome.text.size();
      num_late_ += stepper_.now() - last > std::chrono::milliseconds(wait_ms_) + kSlack;
    }
    num_ended_ = 0;
    for (const auto& [id, outcome] : stepper_.outcomes) num_ended_ += outcome.final.has_value();
  }
  void Check() {
    EXPECT_EQ(num_late_, 0);
    EXPECT_EQ(stepper_.num_unsound(), 0);
    EXPECT_EQ(num_ended_, requests_.size());
    const EngineStats stats = stepper_.stats();
    EXPECT_EQ(stats.requests_completed, requests_.size());
    EXPECT_EQ(stats.queued, 0);
    EXPECT_EQ(stats.queued_tokens, 0);
    EXPECT_EQ(stepper_.num_running(), 0u);
    for (const auto& [id, request] : requests_) {
      const Outcome& outcome = stepper_.outcomes[id];
      const std::string solo = AloneText(model_, request);
      EXPECT_EQ(outcome.text, solo.substr(0, outcome.text.size()));
      const bool is_whole = outcome.final->finish_reason == FinishReason::kLength;
      EXPECT(is_whole ? outcome.text == solo
                      : outcome.final->finish_reason == FinishReason::kCancelled ||
                            IsRefusedForWaiting(*outcome.final));
    }
  }

  std::mt19937 random_;
  const std::int32_t wait_ms_;
  const FakeModel model_;
  Stepper stepper_;
  std::map<RequestId, Request> requests_;
  std::map<RequestId, Clock::time_point> news_;
  std::map<RequestId, std::size_t> sizes_;
  std::size_t num_ended_ = 0;
  int num_late_ = 0;
};

}  // namespace

TEST(Waiting, NobodyWaitsBeyondTheLimitWithoutAnswerOrRefusal) {
  for (std::uint32_t seed = 0; seed < 150; ++seed) RandomLoad(seed).Run();
}

namespace {

FakeModel SlowModel() {
  FakeModel model;
  model.contexts = 1;
  model.context_size = 512;
  model.row_time = std::chrono::milliseconds(2);
  model.gate = ClosedGate();
  return model;
}

// Requests that hold the context for 40 ms and more each.
Request Slow(std::uint32_t seed) { return TokenRequest(RandomPrompt(4, seed), 20); }

}  // namespace

TEST(Waiting, WhatWouldWaitTooLongIsRefusedAtOnce) {
  const FakeModel model = SlowModel();
  auto engine = MakeEngine(model);
  Request hurried = Slow(99);
  hurried.queue_wait_ms = 30;
  model.gate->store(true);
  // Nothing is known yet, so no request is refused early.
  for (std::uint32_t i = 0; i < Pace::kLeastHolds; ++i) EXPECT(engine->Submit(Slow(i)).ok());
  Collect(engine.get(), Pace::kLeastHolds);
  EXPECT(engine->Submit(hurried).ok());  // a context is free
  Collect(engine.get(), 1);
  model.gate->store(false);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT(engine->Submit(Slow(i)).ok());
  const auto refused = engine->Submit(hurried);
  ASSERT(!refused);
  EXPECT(refused.error().code == ErrorCode::kOverloaded);
  EXPECT_EQ(refused.error().where, "queue");
  EXPECT(refused.error().retry_ms >= 5 * 40 - 30 / 2);
  EXPECT(refused.error().retry_ms <= kMostWaitMs);
  EXPECT_EQ(engine->stats().requests_rejected, 1u);
  Request doomed = Slow(98);
  doomed.deadline_ms = 30;  // ends with the code of its deadline, as callers know it
  EXPECT(engine->Submit(doomed).ok());
  EXPECT(engine->Submit(Slow(97)).ok());  // may wait, so it does
  model.gate->store(true);
  Collect(engine.get(), 7);
  EXPECT(engine->Submit(hurried).ok());
  Collect(engine.get(), 1);
}

TEST(Waiting, AFullQueueTellsWhenHalfOfItIsServed) {
  const FakeModel model = SlowModel();
  LoopOptions options;
  options.queue_limit = 7;
  auto engine = MakeEngine(model, options);
  model.gate->store(true);
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < 8; ++i) EXPECT(engine->Submit(Slow(i)).ok());
    if (round == 0) {
      EXPECT_EQ(engine->Submit(Slow(9)).error().retry_ms, 0);  // unknown
      Collect(engine.get(), 8);
      model.gate->store(false);
    }
  }
  const auto refused = engine->Submit(Slow(9));
  ASSERT(!refused);
  EXPECT(refused.error().code == ErrorCode::kOverloaded);
  EXPECT(refused.error().retry_ms >= 4 * 40);  // of seven
  Request resumed = Slow(9);
  resumed.resumed = true;
  resumed.queue_wait_ms = 1;
  EXPECT(engine->Submit(resumed).ok());  // an earlier run was admitted
  EXPECT_EQ(engine->stats().requests_rejected, 2u);
  model.gate->store(true);
  Collect(engine.get(), 9);
}

TEST(Waiting, TheLineSaysWhoIsNext) {
  Stepper stepper(Model(1), Config(0));
  stepper.fake_time = Clock::time_point() + std::chrono::hours(1);
  stepper.step_time = std::chrono::milliseconds(200);  // the line is told again in each step
  const RequestId first = stepper.Add(Of(Priority::kNormal, 1, 4));
  std::vector<RequestId> ids;
  for (std::uint32_t i = 2; i < 5; ++i) ids.push_back(stepper.Add(Of(Priority::kNormal, i, 4)));
  stepper.Step();
  std::vector<RequestId> line;
  for (const Queued& queued : stepper.line()) line.push_back(queued.request);
  EXPECT(line == ids);
  while (!stepper.HasEnded(first)) stepper.Step();
  stepper.Step();
  ASSERT(!stepper.line().empty());
  EXPECT_EQ(stepper.line().front().request, ids[1]);
  EXPECT(stepper.Finish());
  EXPECT(stepper.line().empty());
}
