// SPDX-License-Identifier: AGPL-3.0-only
// Continuous batching: what is evaluated when, and that sequences do not affect each other.
#include <set>

#include "check.h"
#include "fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

TEST(Batching, ARequestEndsAtItsLimit) {
  auto engine = MakeEngine({});
  const RequestId id = *engine->Submit(TokenRequest(RandomPrompt(10, 1), 20));
  const Outcome outcome = Collect(engine.get(), 1)[id];
  ASSERT(outcome.final.has_value());
  EXPECT_EQ(outcome.final->finish_reason, FinishReason::kLength);
  EXPECT_EQ(outcome.final->completion_tokens, 20);
  EXPECT_EQ(outcome.final->prompt_tokens, 10);
  EXPECT_EQ(outcome.tokens.size(), 20u);
  EXPECT_EQ(outcome.text.size(), 20u);
}

TEST(Batching, NoTokensAskedForEvaluatesThePromptOnly) {
  auto engine = MakeEngine({});
  const RequestId id = *engine->Submit(TokenRequest(RandomPrompt(10, 1), 0));
  const Outcome outcome = Collect(engine.get(), 1)[id];
  EXPECT_EQ(outcome.final->finish_reason, FinishReason::kLength);
  EXPECT(outcome.tokens.empty());
  EXPECT_EQ(engine->stats().prompt_tokens, 10u);
}

TEST(Batching, TheModelMayEndItself) {
  FakeModel model;
  model.never_ends = false;
  model.context_size = 4096;
  auto engine = MakeEngine(model);
  const RequestId id = *engine->Submit(TokenRequest(RandomPrompt(10, 5), 4000));
  const Outcome outcome = Collect(engine.get(), 1)[id];
  EXPECT_EQ(outcome.final->finish_reason, FinishReason::kStop);
  EXPECT_EQ(outcome.tokens.back(), kEnd);
  EXPECT_EQ(outcome.text.size(), outcome.tokens.size() - 1);
}

TEST(Batching, AStopStringEndsTheRequestAndIsNotInTheText) {
  const Request plain = TokenRequest(RandomPrompt(10, 1), 20);
  const std::string text = Solo({}, plain);
  Request request = plain;
  request.stop = {text.substr(7, 3)};
  auto engine = MakeEngine({});
  const RequestId id = *engine->Submit(request);
  const Outcome outcome = Collect(engine.get(), 1)[id];
  EXPECT_EQ(outcome.text, text.substr(0, text.find(request.stop[0])));
  EXPECT_EQ(outcome.final->finish_reason, FinishReason::kStop);
  EXPECT_EQ(outcome.final->stop_string.value_or(""), request.stop[0]);
}

TEST(Batching, RowsSampledByHelpersGiveTheSameTexts) {
  FakeModel model;
  model.contexts = 8;
  model.num_vocab = 1 << 20;
  auto engine = MakeEngine(model);
  std::map<RequestId, std::string> expected;
  for (std::uint32_t i = 0; i < 24; ++i) {
    const Request request = TokenRequest(RandomPrompt(6, i), 30);
    expected[*engine->Submit(request)] = Solo({}, request);
  }
  const auto outcomes = Collect(engine.get(), expected.size());
  for (const auto& [id, text] : expected) EXPECT_EQ(outcomes.at(id).text, text);
}

TEST(Batching, NeighboursChangeNothingAndStreamsInterleave) {
  FakeModel model;
  model.contexts = 8;
  std::vector<std::pair<Request, std::string>> requests;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const Request request = TokenRequest(RandomPrompt(5 + static_cast<std::int32_t>(i) * 6, i), 30);
    requests.emplace_back(request, Solo(model, request));
  }
  model.gate = ClosedGate();
  auto engine = MakeEngine(model);
  std::map<RequestId, std::string> expected;
  for (const auto& [request, text] : requests) expected[*engine->Submit(request)] = text;
  model.gate->store(true);
  std::vector<std::vector<Event>> batches;
  auto outcomes = Collect(engine.get(), 8, &batches);
  for (const auto& [id, text] : expected) EXPECT_EQ(outcomes[id].text, text);
  const bool is_shared = std::any_of(batches.begin(), batches.end(), [](const auto& batch) {
    std::set<RequestId> sharing;
    for (const Event& event : batch) sharing.insert(event.request);
    return sharing.size() >= 4;
  });
  EXPECT(is_shared);
}

TEST(Batching, ALongPromptDoesNotStopARunningStream) {
  FakeModel model;
  model.context_size = 512;
  model.row_time = std::chrono::microseconds(50);
  auto engine = MakeEngine(model);
  const RequestId stream = *engine->Submit(TokenRequest(RandomPrompt(4, 1), 400));
  std::vector<Event> first;
  while (first.empty()) engine->WaitEvents(&first, std::chrono::milliseconds(10));
  const RequestId long_prompt = *engine->Submit(TokenRequest(RandomPrompt(200, 2), 1));
  // The stream's tokens between submit and the long prompt's first token.
  std::size_t tokens_of_stream = 0;
  bool has_answered = false;
  while (!has_answered) {
    std::vector<Event> events;
    engine->WaitEvents(&events, std::chrono::milliseconds(100));
    for (const Event& event : events) {
      if (event.request == stream) tokens_of_stream += event.tokens.size();
      if (event.request == long_prompt) has_answered = true;
    }
  }
  EXPECT(tokens_of_stream >= 200 / 4 - 1);  // one per chunk of four
  engine->Cancel(stream);
}

TEST(Batching, EventsOfAStepCrossTogether) {
  FakeModel model;
  model.gate = ClosedGate();
  auto engine = MakeEngine(model);
  for (std::uint32_t i = 0; i < 4; ++i)
    EXPECT(engine->Submit(TokenRequest(RandomPrompt(4, i), 40)).ok());
  model.gate->store(true);
  Collect(engine.get(), 4);
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.generated_tokens, 160u);
  EXPECT(stats.event_batches <= stats.steps + 4);
  EXPECT(stats.steps < 120u);  // far fewer steps than tokens: they shared them
}
