// SPDX-License-Identifier: AGPL-3.0-only
// A fault affects only the request that caused it, and nothing leaks on any path.
#include <algorithm>
#include <random>

#include "check.h"
#include "fakes.h"
#include "stepper.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

using Expected = std::map<RequestId, std::string>;

std::vector<std::pair<Request, std::string>> SomeRequests(std::uint32_t count, std::int32_t size,
                                                          std::int32_t max_tokens) {
  std::vector<std::pair<Request, std::string>> requests;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Request request = TokenRequest(RandomPrompt(size, i), max_tokens);
    requests.emplace_back(request, Solo({}, request));
  }
  return requests;
}

// Submits all at once, so that they run together.
Expected SubmitAll(LocalEngine* engine,
                   const std::vector<std::pair<Request, std::string>>& requests) {
  Expected expected;
  for (const auto& [request, text] : requests) expected[*engine->Submit(request)] = text;
  return expected;
}

void ExpectAllFree(LocalEngine* engine) {
  const Capacity capacity = engine->capacity();
  EXPECT_EQ(capacity.active, 0);
  EXPECT_EQ(capacity.available, capacity.total);
}

}  // namespace

TEST(Faults, CancelWhileDecoding) {
  FakeModel model;
  model.row_time = std::chrono::microseconds(200);
  auto engine = MakeEngine(model);
  const RequestId id = *engine->Submit(TokenRequest(RandomPrompt(4, 1), 100000));
  std::vector<Event> events;
  while (events.size() < 3) engine->WaitEvents(&events, std::chrono::milliseconds(10));
  const std::uint64_t steps = engine->stats().steps;
  engine->Cancel(id);
  const Outcome outcome = Collect(engine.get(), 1)[id];
  EXPECT_EQ(outcome.final->finish_reason, FinishReason::kCancelled);
  EXPECT(engine->stats().steps <= steps + 3);
  ExpectAllFree(engine.get());
}

TEST(Faults, CancelWhileInPrefillAbortsTheCall) {
  FakeModel model;
  model.context_size = 4096;
  model.row_time = std::chrono::microseconds(1000);
  LoopOptions options;
  options.idle_chunk = 500;  // half a second in one call
  auto engine = MakeEngine(model, options);
  const RequestId id = *engine->Submit(TokenRequest(RandomPrompt(500, 1), 5));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  engine->Cancel(id);
  const Outcome outcome = Collect(engine.get(), 1)[id];
  EXPECT_EQ(outcome.final->finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(engine->stats().prompt_tokens, 0u);  // the call was aborted
  ExpectAllFree(engine.get());
}

TEST(Faults, CancelWhileQueued) {
  FakeModel model;
  model.contexts = 1;
  model.row_time = std::chrono::microseconds(100);
  auto engine = MakeEngine(model);
  const RequestId running = *engine->Submit(TokenRequest(RandomPrompt(4, 1), 100000));
  const RequestId queued = *engine->Submit(TokenRequest(RandomPrompt(4, 2), 5));
  engine->Cancel(queued);
  auto outcomes = Collect(engine.get(), 1);
  EXPECT_EQ(outcomes[queued].final->finish_reason, FinishReason::kCancelled);
  EXPECT(!outcomes[running].final.has_value());
  engine->Cancel(running);
  Collect(engine.get(), 1);
  ExpectAllFree(engine.get());
}

TEST(Faults, AFailingSequenceLeavesItsNeighboursAlone) {
  auto engine = MakeEngine({});
  const Request good = TokenRequest(RandomPrompt(12, 3), 30);
  const std::string expected = Solo({}, good);
  std::vector<Token> poisoned = RandomPrompt(12, 4);
  poisoned[5] = kPoison;
  std::vector<Token> nan = RandomPrompt(12, 5);
  nan.back() = kNan;
  const RequestId a = *engine->Submit(good);
  const RequestId b = *engine->Submit(TokenRequest(poisoned, 30));
  const RequestId c = *engine->Submit(TokenRequest(nan, 30));
  auto outcomes = Collect(engine.get(), 3);
  EXPECT_EQ(outcomes[a].text, expected);
  EXPECT_EQ(outcomes[b].final->error->code, ErrorCode::kInternal);
  EXPECT_EQ(outcomes[c].final->error->code, ErrorCode::kNumeric);
  ExpectAllFree(engine.get());
}

TEST(Faults, APromptThatCannotBePreparedIsAnEvent) {
  auto engine = MakeEngine({});
  const RequestId thrown = *engine->Submit(TokenRequest({kEnd}, 5));
  const RequestId long_one = *engine->Submit(TokenRequest(RandomPrompt(64, 1), 5));
  auto outcomes = Collect(engine.get(), 2);
  EXPECT_EQ(outcomes[thrown].final->error->code, ErrorCode::kInternal);
  EXPECT_EQ(outcomes[long_one].final->error->code, ErrorCode::kContextLengthExceeded);
}

TEST(Faults, AFullCachePreemptsTheYoungestAndAllFinishWithTheSameText) {
  FakeModel model;
  model.cells = 100;  // four sequences want up to 60 each
  model.gate = ClosedGate();
  auto engine = MakeEngine(model);
  const auto expected = SubmitAll(engine.get(), SomeRequests(4, 20, 40));
  model.gate->store(true);
  auto outcomes = Collect(engine.get(), 4);
  for (const auto& [id, text] : expected) {
    EXPECT_EQ(outcomes[id].final->finish_reason, FinishReason::kLength);
    EXPECT_EQ(outcomes[id].text, text);
  }
  EXPECT(engine->stats().kv_full_retries > 0);
  ExpectAllFree(engine.get());
}

// With three cells too few, the batch is refused in the step in which the shorter answer ends. With
// four, the cache is full one step earlier, and the younger one is preempted.
TEST(Faults, NobodyGivesWayInTheStepInWhichAnotherOneEnds) {
  for (const std::int32_t missing : {3, 4}) {
    FakeModel model;
    model.contexts = 2;
    model.cells = 2 * (8 + 20 - 1) - missing;
    Stepper stepper(model);
    const RequestId ends = stepper.Add(TokenRequest(RandomPrompt(8, 1), 20));
    const RequestId goes_on = stepper.Add(TokenRequest(RandomPrompt(8, 2), 24));
    EXPECT(stepper.Finish());
    EXPECT(!stepper.FinalOf(ends).error && !stepper.FinalOf(goes_on).error);
    EXPECT(stepper.stats().kv_full_retries > 0);
    EXPECT_EQ(static_cast<std::int32_t>(stepper.stats().preemptions), missing == 3 ? 0 : 1);
  }
}

TEST(Faults, ACacheTooSmallForOneFailsThatOne) {
  FakeModel model;
  model.cells = 10;
  auto engine = MakeEngine(model);
  const RequestId id = *engine->Submit(TokenRequest(RandomPrompt(20, 1), 5));
  EXPECT_EQ(Collect(engine.get(), 1)[id].final->error->code, ErrorCode::kOutOfMemory);
  ExpectAllFree(engine.get());
}

TEST(Faults, AFullContextShiftsAndGoesOn) {
  FakeModel model;
  model.context_size = 32;
  auto engine = MakeEngine(model);
  const RequestId id = *engine->Submit(TokenRequest(RandomPrompt(10, 1), 32 * 5));
  const Outcome outcome = Collect(engine.get(), 1)[id];
  EXPECT_EQ(outcome.tokens.size(), 32u * 5);
  EXPECT_EQ(outcome.final->finish_reason, FinishReason::kLength);
  // Evaluated cells that are gone were shifted out.
  EXPECT(outcome.truncation.shifted_tokens >= 10 + 32 * 5 - 32);
  EXPECT_EQ(static_cast<std::uint64_t>(outcome.truncation.shifted_tokens),
            engine->stats().shifted_tokens);
}

TEST(Faults, AShiftLeavesTheHeadAlone) {
  for (const std::int32_t keep : {0, 4, 20, 28}) {
    FakeModel model;
    model.context_size = 32;
    model.keep = keep;
    model.heads = std::make_shared<std::vector<std::vector<Token>>>();
    auto engine = MakeEngine(model);
    const std::vector<Token> prompt = RandomPrompt(30, 3);
    ASSERT(engine->Submit(TokenRequest(prompt, 32 * 4)).ok());
    Collect(engine.get(), 1);
    EXPECT(model.heads->size() > 3);
    for (const std::vector<Token>& head : *model.heads) {
      EXPECT(head == std::vector<Token>(prompt.begin(), prompt.begin() + keep));
    }
  }
}

TEST(Faults, WithoutShiftTheContextIsTheLimit) {
  for (const bool model_can : {true, false}) {
    FakeModel model;
    model.context_size = 32;
    model.can_shift = model_can;
    auto engine = MakeEngine(model);
    Request request = TokenRequest(RandomPrompt(10, 1), 100);
    request.shift = !model_can;
    const RequestId id = *engine->Submit(request);
    const Outcome outcome = Collect(engine.get(), 1)[id];
    EXPECT_EQ(outcome.final->finish_reason, FinishReason::kLength);
    EXPECT_EQ(outcome.tokens.size(), 32u - 10 + 1);
  }
}

TEST(Faults, AFullQueueRefusesAtOnce) {
  FakeModel model;
  model.contexts = 1;
  model.row_time = std::chrono::microseconds(200);
  LoopOptions options;
  options.queue_limit = 2;
  auto engine = MakeEngine(model, options);
  for (int i = 0; i < 3; ++i) {
    EXPECT(!engine->CheckRoom());
    EXPECT(engine->Submit(TokenRequest(RandomPrompt(4, 1), 1000)).ok());
  }
  const auto refused = engine->Submit(TokenRequest(RandomPrompt(4, 1), 1000));
  ASSERT(!refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(engine->stats().requests_rejected, 1u);
  const Status asked = engine->CheckRoom();  // the same error without a request
  ASSERT(asked.has_value());
  EXPECT_EQ(asked->what, refused.error().what);
  EXPECT_EQ(engine->stats().requests_rejected, 2u);
}

TEST(Faults, TimeInTheQueueAndInTotalIsBounded) {
  FakeModel model;
  model.contexts = 1;
  model.row_time = std::chrono::microseconds(500);
  LoopOptions options;
  options.queue_wait_ms = 20;
  auto engine = MakeEngine(model, options);
  Request slow = TokenRequest(RandomPrompt(4, 1), 100000);
  slow.deadline_ms = 80;
  const RequestId running = *engine->Submit(slow);
  const RequestId waiting = *engine->Submit(TokenRequest(RandomPrompt(4, 2), 5));
  auto outcomes = Collect(engine.get(), 2);
  EXPECT_EQ(outcomes[waiting].final->error->code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(outcomes[waiting].final->error->where, "queue");
  EXPECT_EQ(outcomes[running].final->error->code, ErrorCode::kDeadlineExceeded);
  EXPECT(!outcomes[running].tokens.empty());
}

TEST(Faults, CloseEndsEverythingWithAnEvent) {
  FakeModel model;
  model.contexts = 2;
  model.row_time = std::chrono::microseconds(200);
  auto engine = MakeEngine(model);
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT(engine->Submit(TokenRequest(RandomPrompt(4, i), 100000)).ok());
  std::thread closer([&] { engine->Close(); });
  auto outcomes = Collect(engine.get(), 5);
  closer.join();
  EXPECT_EQ(outcomes.size(), 5u);
  for (const auto& [id, outcome] : outcomes)
    EXPECT_EQ(outcome.final->finish_reason, FinishReason::kCancelled);
  std::vector<Event> none;
  EXPECT(!engine->WaitEvents(&none, std::chrono::milliseconds(10)));
  EXPECT_EQ(engine->Submit(TokenRequest(RandomPrompt(4, 1), 1)).error().code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(engine->CheckRoom()->code, ErrorCode::kUnavailable);
  engine->Close();
}

TEST(Faults, RandomSchedulesLoseNothingAndChangeNothing) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    FakeModel model;
    model.contexts = 1 + static_cast<std::int32_t>(random() % 6);
    model.cells = round % 3 == 0 ? 90 : 1 << 20;
    LoopOptions options;
    options.busy_chunk = 2 + static_cast<std::int32_t>(random() % 8);
    options.idle_chunk = 2 + static_cast<std::int32_t>(random() % 30);
    auto engine = MakeEngine(model, options);
    std::vector<std::pair<Request, std::string>> requests;
    for (int i = 0; i < 20; ++i) {
      std::vector<Token> prompt =
          RandomPrompt(2 + static_cast<std::int32_t>(random() % 40), random());
      const bool is_bad = random() % 8 == 0;
      if (is_bad) prompt[random() % prompt.size()] = kPoison;
      const Request request = TokenRequest(prompt, 1 + static_cast<std::int32_t>(random() % 20));
      requests.emplace_back(request, is_bad ? "" : Solo({}, request));
    }
    const Expected expected = SubmitAll(engine.get(), requests);
    for (const auto& [id, text] : expected) {
      if (random() % 4 == 0) engine->Cancel(id);
    }
    auto outcomes = Collect(engine.get(), expected.size());
    std::size_t num_finished = 0;
    for (const auto& [id, text] : expected) {
      ASSERT(outcomes[id].final.has_value());
      if (outcomes[id].final->finish_reason != FinishReason::kLength) continue;
      EXPECT_EQ(outcomes[id].text, text);
      ++num_finished;
    }
    EXPECT(num_finished > 0);
    const EngineStats stats = engine->stats();
    EXPECT_EQ(stats.requests_completed, stats.requests_submitted);
    ExpectAllFree(engine.get());
  }
}
