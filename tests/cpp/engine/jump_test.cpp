// SPDX-License-Identifier: AGPL-3.0-only
// Forced tokens are evaluated in one call, and counted, reported and limited like others.
#include "check.h"
#include "fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

Request Forcing(std::uint32_t seed, std::int32_t max_tokens, bool jumps = true) {
  Request request = TokenRequest(RandomPrompt(6, seed), max_tokens);
  request.grammar.kind = GrammarSpec::Kind::kJsonObject;
  if (!jumps) request.grammar.text = kOneByOne;
  return request;
}

struct Run {
  Outcome outcome;
  EngineStats stats;
};

Run RunOf(const FakeModel& model, const Request& request) {
  auto engine = MakeEngine(model);
  const RequestId id = *engine->Submit(request);
  Run run;
  run.outcome = Collect(engine.get(), 1)[id];
  run.stats = engine->stats();
  return run;
}

}  // namespace

TEST(Jump, TheTextIsTheSameInFewerCalls) {
  for (std::uint32_t seed = 0; seed < 8; ++seed) {
    const Run jumping = RunOf({}, Forcing(seed, 40));
    const Run slow = RunOf({}, Forcing(seed, 40, false));
    EXPECT_EQ(jumping.outcome.text, slow.outcome.text);
    EXPECT(jumping.outcome.tokens == slow.outcome.tokens);
    EXPECT_EQ(jumping.outcome.final->completion_tokens, 40);
    EXPECT_EQ(jumping.stats.generated_tokens, 40u);
    EXPECT_EQ(slow.stats.jumped_tokens, 0u);
    EXPECT(jumping.stats.jumped_tokens > 5);
    // The last ones may be forced and then need no call.
    EXPECT(jumping.stats.decode_calls <= slow.stats.decode_calls - jumping.stats.jumped_tokens + 3);
  }
}

TEST(Jump, AnyLimitCutsTheSameText) {
  const std::string text = RunOf({}, Forcing(1, 40)).outcome.text;
  for (std::int32_t limit = 1; limit < 40; ++limit) {
    const Outcome outcome = RunOf({}, Forcing(1, limit)).outcome;
    EXPECT_EQ(outcome.text, text.substr(0, static_cast<std::size_t>(limit)));
    EXPECT_EQ(outcome.final->completion_tokens, limit);
    EXPECT_EQ(outcome.final->finish_reason, FinishReason::kLength);
  }
}

TEST(Jump, AStopStringInsideEndsTheText) {
  const std::string text = RunOf({}, Forcing(1, 40)).outcome.text;
  for (std::size_t at = 0; at + 2 <= text.size(); ++at) {
    Request request = Forcing(1, 40);
    request.stop = {text.substr(at, 2)};
    const Outcome outcome = RunOf({}, request).outcome;
    EXPECT_EQ(outcome.text, text.substr(0, text.find(request.stop[0])));
    EXPECT_EQ(outcome.final->finish_reason, FinishReason::kStop);
    EXPECT_EQ(static_cast<std::size_t>(outcome.final->completion_tokens), outcome.tokens.size());
  }
}

TEST(Jump, AFullContextEndsOrShiftsAsWithout) {
  for (const bool shifts : {false, true}) {
    for (std::uint32_t seed = 0; seed < 8; ++seed) {
      Request request = Forcing(seed, 120);
      request.shift = shifts;
      Request slow = Forcing(seed, 120, false);
      slow.shift = shifts;
      const Outcome outcome = RunOf({}, request).outcome;
      EXPECT_EQ(outcome.text, RunOf({}, slow).outcome.text);
      EXPECT_EQ(outcome.final->completion_tokens, shifts ? 120 : 64 - 6 + 1);
    }
  }
}

TEST(Jump, NeighboursAndPressureChangeNothing) {
  FakeModel model;
  model.contexts = 6;
  model.rounds = true;
  std::map<std::uint32_t, std::string> solo;
  for (std::uint32_t i = 0; i < 6; ++i) solo[i] = Solo(model, Forcing(i, 40));
  for (const std::int32_t cells : {1 << 20, 120, 70}) {
    model.cells = cells;
    LoopOptions options;
    options.prefix.is_exact = true;
    auto engine = MakeEngine(model, options);
    std::map<RequestId, std::uint32_t> seeds;
    for (std::uint32_t i = 0; i < 6; ++i) seeds[*engine->Submit(Forcing(i, 40))] = i;
    auto outcomes = Collect(engine.get(), 6);
    for (const auto& [id, seed] : seeds) EXPECT_EQ(outcomes[id].text, solo[seed]);
    EXPECT_EQ(engine->stats().preemptions > 0, cells < 1000);
  }
}
