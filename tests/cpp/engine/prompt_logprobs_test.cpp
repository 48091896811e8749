// SPDX-License-Identifier: AGPL-3.0-only
// Log-probabilities of the prompt: each token once, from all the cells before it, whatever else
// runs.
#include <cmath>

#include "check.h"
#include "stepper.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

Request Scored(std::vector<Token> prompt, std::int32_t max_tokens = 3, std::int32_t num_top = 2) {
  Request request = TokenRequest(std::move(prompt), max_tokens);
  request.prompt_logprobs = num_top;
  return request;
}

// The logits of each token of the prompt behind those before it; none for the first.
std::vector<float> LogitsOf(const std::vector<Token>& prompt) {
  FakeModel model;
  model.context_size = 4096;
  FakeDecoder decoder(model);
  std::vector<float> logits;
  for (std::size_t i = 0; i + 1 < prompt.size(); ++i) {
    const Row row{0, static_cast<Position>(i), prompt[i], true};
    EXPECT_EQ(decoder.Decode({row}, nullptr), DecodeStatus::kOk);
    logits.push_back(decoder.Logits(0)[prompt[i + 1]]);
  }
  return logits;
}

// Whether there is one entry for each token, with the numbers of the model.
bool AreScores(const std::vector<ChosenLogprob>& scores, const std::vector<Token>& prompt) {
  if (scores.size() != prompt.size()) return false;
  const std::vector<float> logits = LogitsOf(prompt);
  bool are_right = std::isnan(scores[0].chosen.logprob) && scores[0].top.empty();
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    are_right &= scores[i].chosen.token == prompt[i];
    if (i > 0) are_right &= scores[i].chosen.logprob == logits[i - 1] && scores[i].top.size() == 2;
  }
  return are_right;
}

// A prompt whose scores are not all the same.
std::vector<Token> TellingPrompt(std::int32_t size, std::uint32_t seed) {
  std::vector<Token> prompt = RandomPrompt(size, seed);
  FakeModel model;
  model.context_size = 4096;
  FakeDecoder decoder(model);
  for (std::int32_t i = 0; i + 1 < size; ++i) {
    const auto index = static_cast<std::size_t>(i);
    decoder.Decode({{0, i, prompt[index], true}}, nullptr);
    const float* logits = decoder.Logits(0);
    const auto likeliest = static_cast<Token>(std::max_element(logits, logits + kVocab) - logits);
    if (i % 3 == 1) prompt[index + 1] = likeliest;
  }
  return prompt;
}

}  // namespace

TEST(PromptLogprobs, EachTokenOfThePromptOnce) {
  for (const std::int32_t size : {1, 2, 3, 4, 5, 6, 7, 23, 40}) {
    const std::vector<Token> prompt = TellingPrompt(size, 1);
    Stepper loop(FakeModel{});
    const RequestId id = loop.Add(Scored(prompt));
    ASSERT(loop.Finish(100));
    EXPECT(AreScores(loop.outcomes[id].scores, prompt));
    EXPECT_EQ(loop.outcomes[id].text, Solo({}, TokenRequest(prompt, 3)));
  }
}

TEST(PromptLogprobs, WithoutAnAnswer) {
  const std::vector<Token> prompt = TellingPrompt(17, 2);
  Stepper loop(FakeModel{});
  const RequestId id = loop.Add(Scored(prompt, 0));
  ASSERT(loop.Finish(100));
  EXPECT(AreScores(loop.outcomes[id].scores, prompt));
  EXPECT_EQ(loop.FinalOf(id).finish_reason, FinishReason::kLength);
  EXPECT_EQ(loop.FinalOf(id).completion_tokens, 0);
  EXPECT_EQ(loop.FinalOf(id).prompt_tokens, 17);
}

// After a shift the answer has positions that were the prompt's.
TEST(PromptLogprobs, AnAnswerFarBeyondTheContext) {
  const std::vector<Token> prompt = TellingPrompt(50, 12);
  Stepper loop(FakeModel{});
  const RequestId id = loop.Add(Scored(prompt, 200));
  ASSERT(loop.Finish(500));
  EXPECT(AreScores(loop.outcomes[id].scores, prompt));
  EXPECT_EQ(loop.outcomes[id].tokens.size(), 200u);
  EXPECT_EQ(loop.outcomes[id].text, Solo({}, TokenRequest(prompt, 200)));
}

TEST(PromptLogprobs, NeighboursChangeNothing) {
  for (const bool mixes : {false, true}) {
    FakeModel model;
    model.mixes_rows = mixes;
    model.contexts = 3;
    LoopConfig config = ConfigOf({});
    config.scheduler.mixes_rows = mixes;
    Stepper loop(model, config);
    std::map<RequestId, std::vector<Token>> prompts;
    std::map<RequestId, std::string> texts;
    for (std::uint32_t i = 0; i < 12; ++i) {
      const auto prompt = TellingPrompt(4 + static_cast<std::int32_t>(i * 7 % 31), i);
      const Request plain = TokenRequest(prompt, 8);
      const bool is_scored = i % 3 != 1;
      const RequestId id = loop.Add(is_scored ? Scored(prompt, 8) : plain);
      if (is_scored) prompts[id] = prompt;
      texts[id] = Solo({}, plain);
      loop.Step();
    }
    ASSERT(loop.Finish(1000));
    for (const auto& [id, text] : texts) EXPECT_EQ(loop.outcomes[id].text, text);
    for (const auto& [id, prompt] : prompts) EXPECT(AreScores(loop.outcomes[id].scores, prompt));
    EXPECT_EQ(loop.num_unsound(), 0);
  }
}

TEST(PromptLogprobs, ThePrefixCacheGivesNothingButGets) {
  const std::vector<Token> prompt = TellingPrompt(40, 3);
  Stepper loop(FakeModel{});
  loop.Add(TokenRequest(prompt, 2));
  ASSERT(loop.Finish(100));
  const RequestId scored = loop.Add(Scored(prompt));
  ASSERT(loop.Finish(100));
  EXPECT(AreScores(loop.outcomes[scored].scores, prompt));
  EXPECT_EQ(loop.FinalOf(scored).timings.cache_n, 0);
  EXPECT_EQ(loop.FinalOf(scored).timings.prompt_n, 40);
  const RequestId again = loop.Add(TokenRequest(prompt, 2));
  ASSERT(loop.Finish(100));
  EXPECT(loop.FinalOf(again).timings.cache_n >= 38);
}

TEST(PromptLogprobs, APreemptedPromptGoesOnWhereItWas) {
  for (const bool can_cut : {true, false}) {
    FakeModel model;
    model.contexts = 1;
    model.can_cut = can_cut;
    const std::vector<Token> prompt = TellingPrompt(40, 4);
    for (int steps = 1; steps < 12; ++steps) {
      Stepper loop(model);
      Request batch = Scored(prompt);
      batch.priority = Priority::kBatch;
      const RequestId id = loop.Add(batch);
      for (int i = 0; i < steps; ++i) loop.Step();
      Request urgent = TokenRequest(RandomPrompt(30, 5), 4);
      urgent.priority = Priority::kRealtime;
      loop.Add(urgent);
      ASSERT(loop.Finish(200));
      EXPECT(AreScores(loop.outcomes[id].scores, prompt));
      EXPECT_EQ(loop.num_unsound(), 0);
      if (steps < 8) EXPECT_EQ(loop.stats().preemptions, 1u);
    }
  }
}

TEST(PromptLogprobs, UseCreditLikeTokens) {
  const std::vector<Token> prompt = TellingPrompt(40, 6);
  Stepper loop(FakeModel{});
  const RequestId id = loop.Add(Scored(prompt, 10));
  loop.Grant(id, 10);
  for (int i = 0; i < 20; ++i) loop.Step();
  const std::size_t ahead = loop.outcomes[id].scores.size();
  EXPECT(ahead >= 10 && ahead < 10 + kMaxOutputs);
  EXPECT(loop.only_waits());
  loop.Grant(id, 42);
  for (int i = 0; i < 50; ++i) loop.Step();
  EXPECT_EQ(loop.outcomes[id].scores.size(), 40u);
  EXPECT_EQ(loop.outcomes[id].tokens.size(), 2u);
  loop.Grant(id, 1000);
  ASSERT(loop.Finish(100));
  EXPECT(AreScores(loop.outcomes[id].scores, prompt));
  EXPECT_EQ(loop.outcomes[id].text, Solo({}, TokenRequest(prompt, 10)));
}

// Others with the same prompt do not wait until it is computed.
TEST(PromptLogprobs, ASlowReaderHoldsUpNobody) {
  const std::vector<Token> prompt = TellingPrompt(40, 13);
  Stepper loop(FakeModel{});
  const RequestId slow = loop.Add(Scored(prompt, 10));
  loop.Grant(slow, 5);
  loop.Step();
  const RequestId other = loop.Add(TokenRequest(prompt, 4));
  for (int i = 0; i < 30; ++i) loop.Step();
  EXPECT(loop.HasEnded(other));
  EXPECT(!loop.HasEnded(slow));
}

TEST(PromptLogprobs, AnAnswerThatWentOnHasThemNotAgain) {
  const std::vector<Token> prompt = TellingPrompt(20, 7);
  Stepper first(FakeModel{});
  const RequestId whole = first.Add(Scored(prompt, 6));
  ASSERT(first.Finish(100));
  Request rest = Scored(prompt, 6);
  const std::vector<Token>& tokens = first.outcomes[whole].tokens;
  rest.delivered = {tokens.begin(), tokens.begin() + 2};
  Stepper loop(FakeModel{});
  const RequestId id = loop.Add(rest);
  // Those of the prompt were sent, too: credit for them and two tokens is used up.
  loop.Grant(id, 20 + 2);
  for (int i = 0; i < 20; ++i) loop.Step();
  EXPECT(loop.outcomes[id].tokens.empty());
  loop.Grant(id, 100);
  ASSERT(loop.Finish(100));
  EXPECT(loop.outcomes[id].scores.empty());
  EXPECT_EQ(loop.outcomes[id].tokens.size(), 4u);
}

TEST(PromptLogprobs, NumbersThatAreNoneEndTheRequestAlone) {
  std::vector<Token> prompt = TellingPrompt(20, 8);
  prompt[9] = kNan;
  Stepper loop(FakeModel{});
  const RequestId bad = loop.Add(Scored(prompt));
  const Request good = TokenRequest(RandomPrompt(20, 9), 8);
  const RequestId neighbour = loop.Add(good);
  ASSERT(loop.Finish(100));
  ASSERT(loop.FinalOf(bad).error.has_value());
  EXPECT_EQ(loop.FinalOf(bad).error->code, ErrorCode::kNumeric);
  EXPECT_EQ(loop.outcomes[bad].scores.size(), 10u);  // up to the token itself
  EXPECT_EQ(loop.outcomes[neighbour].text, Solo({}, good));
}

TEST(PromptLogprobs, ACancelledPromptEnds) {
  Stepper loop(FakeModel{});
  const RequestId id = loop.Add(Scored(TellingPrompt(40, 10)));
  loop.Step();
  loop.Cancel(id);
  ASSERT(loop.Finish(5));
  EXPECT_EQ(loop.FinalOf(id).finish_reason, FinishReason::kCancelled);
}

TEST(PromptLogprobs, MoreThanOneAnswerMayHoldAreRefused) {
  FakeModel model;
  model.context_size = 1 << 15;
  auto engine = MakeEngine(model);
  const std::vector<Token> prompt = RandomPrompt(13000, 11);
  const RequestId id = *engine->Submit(Scored(prompt, 1, 20));
  const Outcome outcome = Collect(engine.get(), 1)[id];
  ASSERT(outcome.final->error.has_value());
  EXPECT_EQ(outcome.final->error->code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(outcome.final->error->where, std::string("prompt_logprobs"));
  EXPECT(outcome.final->error->what.find("0..19") != std::string::npos);
  const auto refused = engine->Submit(Scored(prompt, 1, 21));
  ASSERT(!refused.ok());
  EXPECT_EQ(refused.error().where, std::string("prompt_logprobs"));
}
