// SPDX-License-Identifier: AGPL-3.0-only
// Requests that only leave their prompt in the KV cache (max_tokens 0), on a loop without a thread.
#include "check.h"
#include "fakes.h"
#include "stepper.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

std::vector<Token> FirstOf(const std::vector<Token>& tokens, std::size_t count) {
  return {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count)};
}

struct Case {
  FakeModel model;
  LoopConfig config = ConfigOf({});
};

Case CaseOf(bool mixes_rows, bool can_cut, std::int32_t contexts = 2) {
  Case c;
  c.model.contexts = contexts;
  c.model.context_size = 512;
  c.model.can_cut = can_cut;
  c.model.shares_cells = c.model.mixes_rows = mixes_rows;
  c.config.scheduler.mixes_rows = mixes_rows;
  return c;
}

}  // namespace

// By no token, by one, by a few: a rest of one token is too short for a call where rows do not mix.
TEST(PrefixRequest, GrowingStepsComputeNoTokenTwice) {
  const std::vector<std::size_t> steps = {40, 41, 41, 42, 45, 46, 46, 60, 61, 63};
  const std::vector<Token> prompt = RandomPrompt(70, 1);
  for (const bool mixes_rows : {false, true}) {
    for (const bool can_cut : {false, true}) {
      const Case c = CaseOf(mixes_rows, can_cut);
      Stepper stepper(c.model, c.config);
      for (const std::size_t size : steps) {
        const RequestId id = stepper.Add(TokenRequest(FirstOf(prompt, size), 0));
        EXPECT(stepper.Finish());
        const Final& final = stepper.FinalOf(id);
        EXPECT(final.finish_reason == FinishReason::kLength && !final.error);
        EXPECT_EQ(final.prompt_tokens, static_cast<std::int32_t>(size));
        EXPECT_EQ(final.completion_tokens, 0);
      }
      const RequestId id = stepper.Add(TokenRequest(prompt, 8));
      EXPECT(stepper.Finish());
      EXPECT_EQ(stepper.stats().prompt_tokens, prompt.size());
      EXPECT_EQ(stepper.FinalOf(id).timings.prompt_n + 63, 70);
      Stepper alone(c.model, c.config);
      const RequestId same = alone.Add(TokenRequest(prompt, 8));
      EXPECT(alone.Finish());
      EXPECT_EQ(stepper.outcomes[id].text, alone.outcomes[same].text);
      EXPECT_EQ(stepper.num_unsound(), 0);
    }
  }
}

TEST(PrefixRequest, WhatIsHeldNeedsNoContext) {
  const Case c = CaseOf(false, true, 1);
  Stepper stepper(c.model, c.config);
  const std::vector<Token> prompt = RandomPrompt(60, 1);
  const RequestId long_one = stepper.Add(TokenRequest(prompt, 50));
  for (int i = 0; i < 10; ++i) stepper.Step();
  EXPECT_EQ(stepper.num_running(), std::size_t{1});
  const RequestId held = stepper.Add(TokenRequest(FirstOf(prompt, 40), 0));
  const RequestId other = stepper.Add(TokenRequest(RandomPrompt(40, 2), 0));
  stepper.Step();
  EXPECT(stepper.HasEnded(held));
  EXPECT_EQ(stepper.FinalOf(held).timings.cache_n, 40);
  EXPECT(!stepper.HasEnded(other) && !stepper.HasEnded(long_one));
  EXPECT(stepper.Finish());
  EXPECT(stepper.HasEnded(other) && stepper.HasEnded(long_one));
}

// The same beginning asked for again and again takes nothing from other conversations.
TEST(PrefixRequest, WhatIsHeldEvictsNothing) {
  const Case c = CaseOf(false, true, 2);
  Stepper stepper(c.model, c.config);
  const std::vector<Token> one = RandomPrompt(60, 1), other = RandomPrompt(60, 2);
  for (const std::vector<Token>& prompt : {one, other}) stepper.Add(TokenRequest(prompt, 4));
  EXPECT(stepper.Finish());
  for (int i = 0; i < 5; ++i) {
    stepper.Add(TokenRequest(FirstOf(one, 40), 0));
    EXPECT(stepper.Finish());
  }
  EXPECT_EQ(stepper.stats().prefix_evictions, 0u);
  EXPECT_EQ(stepper.stats().prompt_tokens, 120u);
}

TEST(PrefixRequest, ItLeavesARestThatIsTooShortToALaterRequest) {
  const Case c = CaseOf(false, true);
  Stepper stepper(c.model, c.config);
  const std::vector<Token> prompt = RandomPrompt(60, 1);
  stepper.Add(TokenRequest(FirstOf(prompt, 40), 0));
  EXPECT(stepper.Finish());
  const RequestId id = stepper.Add(TokenRequest(FirstOf(prompt, 41), 0));
  EXPECT(stepper.Finish());
  EXPECT_EQ(stepper.FinalOf(id).timings.cache_n, 40);
  EXPECT_EQ(stepper.FinalOf(id).timings.prompt_n, 0);
}
