// SPDX-License-Identifier: AGPL-3.0-only
// Guesses change the number of steps, never the text.
#include <algorithm>

#include "check.h"
#include "fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

std::string_view PieceOf(Token token) {
  static const std::string pieces =
      "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz";
  return std::string_view(pieces).substr(static_cast<std::size_t>(token), 1);
}

// Copies its prompt for ever: the token that stood after the last occurrence of the newest one.
class CopyingSampler : public TokenSampler {
 public:
  explicit CopyingSampler(std::vector<Token> prompt) : history_(std::move(prompt)) {}
  Result<SampledToken> Sample(const float*) override {
    ++num_sampled_;
    Token next = 3;
    for (std::size_t i = 0; i + 1 < history_.size(); ++i) {
      if (history_[i] == history_.back()) next = history_[i + 1];
    }
    if (num_sampled_ % 17 == 0) next = 60;  // now and then it leaves the track
    history_.push_back(next);
    return SampledToken{next, false, PieceOf(next), std::nullopt};
  }

 private:
  std::vector<Token> history_;
  int num_sampled_ = 0;
};

// One of two tokens, by what all cells say: every guess finds a model, and half of them are wrong.
class CoinSampler : public TokenSampler {
 public:
  Result<SampledToken> Sample(const float* logits) override {
    const auto best = static_cast<Token>(std::max_element(logits, logits + kVocab) - logits);
    const Token token = 3 + best % 2;
    return SampledToken{token, false, PieceOf(token), std::nullopt};
  }
};

class CoinFactory : public SamplerFactory {
 public:
  Result<std::unique_ptr<TokenSampler>> Create(const Request&, const PreparedPrompt&) override {
    return std::unique_ptr<TokenSampler>(std::make_unique<CoinSampler>());
  }
};

class CopyingFactory : public SamplerFactory {
 public:
  Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                               const PreparedPrompt&) override {
    return std::unique_ptr<TokenSampler>(std::make_unique<CopyingSampler>(request.prompt.tokens));
  }
};

struct Ran {
  std::vector<std::string> texts;
  EngineStats stats;
  std::int32_t draft_n = 0, draft_n_accepted = 0;
};

Ran Run(FakeModel model, std::shared_ptr<SamplerFactory> samplers,
        const std::vector<Request>& requests) {
  EngineParts parts;
  model.gate = ClosedGate();
  parts.decoder = std::make_unique<FakeDecoder>(model);
  parts.samplers = std::move(samplers);
  parts.prompts = std::make_shared<FakePrompts>(model.keep);
  parts.preparation = std::make_unique<InlinePool>();
  parts.info.num_vocab = kVocab;
  parts.info.context_size = model.context_size;
  LoopConfig config = ConfigOf({});
  config.scheduler.mixes_rows = model.mixes_rows;
  LocalEngine engine(std::move(parts), config, 64);
  std::vector<RequestId> ids;
  for (const Request& request : requests) ids.push_back(*engine.Submit(request));
  model.gate->store(true);
  auto outcomes = Collect(&engine, requests.size());
  Ran ran;
  for (const RequestId id : ids) {
    ran.texts.push_back(outcomes[id].text);
    ran.draft_n += outcomes[id].final->timings.draft_n;
    ran.draft_n_accepted += outcomes[id].final->timings.draft_n_accepted;
  }
  ran.stats = engine.stats();
  return ran;
}

FakeModel Model(std::int32_t max_draft, bool mixes_rows = false) {
  FakeModel model;
  model.context_size = 512;
  model.max_draft = max_draft;
  model.mixes_rows = model.shares_cells = mixes_rows;
  return model;
}

std::vector<Request> Copies(int count) {
  std::vector<Request> requests;
  for (int i = 0; i < count; ++i) {
    std::vector<Token> tokens;
    for (Token token = 3; token < 40; ++token) tokens.push_back(token);
    tokens.push_back(3 + i);
    requests.push_back(TokenRequest(std::move(tokens), 120));
  }
  return requests;
}

}  // namespace

TEST(SpeculationLoop, CopiesInFewerStepsWithTheSameText) {
  const Ran plain = Run(Model(0), std::make_shared<CopyingFactory>(), Copies(1));
  const Ran drafted = Run(Model(15), std::make_shared<CopyingFactory>(), Copies(1));
  EXPECT(drafted.texts == plain.texts);
  EXPECT(drafted.stats.accepted_draft_tokens > 0);
  EXPECT_EQ(drafted.stats.generated_tokens, 120u);
  EXPECT_EQ(drafted.stats.steps + drafted.stats.accepted_draft_tokens, plain.stats.steps);
  EXPECT_EQ(static_cast<std::uint64_t>(drafted.draft_n), drafted.stats.drafted_tokens);
  EXPECT_EQ(static_cast<std::uint64_t>(drafted.draft_n_accepted),
            drafted.stats.accepted_draft_tokens);
}

TEST(SpeculationLoop, WhereRowsMixAllStreamsGuess) {
  const Ran plain = Run(Model(0, true), std::make_shared<CopyingFactory>(), Copies(4));
  const Ran drafted = Run(Model(32, true), std::make_shared<CopyingFactory>(), Copies(4));
  EXPECT(drafted.texts == plain.texts);
  EXPECT(drafted.stats.steps < plain.stats.steps);
}

TEST(SpeculationLoop, BesideOthersItStepsAsideWhereItWouldCostThem) {
  const Ran drafted = Run(Model(15), std::make_shared<CopyingFactory>(), Copies(4));
  EXPECT_EQ(drafted.texts.size(), 4u);
  // All four end in the same step: none was ever alone.
  EXPECT_EQ(drafted.stats.drafted_tokens, 0u);
}

TEST(SpeculationLoop, RejectedGuessesLeaveNothingBehind) {
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 12; ++i) {
    requests.push_back(TokenRequest(RandomPrompt(6, i), 100 + static_cast<std::int32_t>(i)));
  }
  for (const bool mixes : {false, true}) {
    const Ran plain = Run(Model(0, mixes), std::make_shared<CoinFactory>(), requests);
    const Ran drafted = Run(Model(32, mixes), std::make_shared<CoinFactory>(), requests);
    EXPECT(drafted.texts == plain.texts);
    EXPECT(drafted.stats.drafted_tokens > drafted.stats.accepted_draft_tokens);
  }
}
