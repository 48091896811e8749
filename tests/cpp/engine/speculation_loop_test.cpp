// SPDX-License-Identifier: AGPL-3.0-only
// Drafts change the number of steps, never the text.
#include <algorithm>

#include "check.h"
#include "core/speculation/model_drafter.h"
#include "fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

std::string_view PieceOf(Token token) {
  static const std::string pieces =
      "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz";
  return std::string_view(pieces).substr(static_cast<std::size_t>(token), 1);
}

class UnscoredSampler : public TokenSampler {
 public:
  Result<ChosenLogprob> Score(const float*, Token, std::int32_t) const override {
    return Error{ErrorCode::kNotSupported, "prompt_logprobs", "no numbers here"};
  }
};

// Copies its prompt for ever: samples the token that followed the last occurrence of the newest
// one.
class CopyingSampler : public UnscoredSampler {
 public:
  explicit CopyingSampler(std::vector<Token> prompt) : history_(std::move(prompt)) {}
  Result<SampledToken> Sample(const float*) override {
    ++num_sampled_;
    Token next = 3;
    for (std::size_t i = 0; i + 1 < history_.size(); ++i) {
      if (history_[i] == history_.back()) next = history_[i + 1];
    }
    if (num_sampled_ % 17 == 0) next = 60;  // sometimes it deviates
    return Remember(next);
  }
  Result<SampledToken> Replay(Token token) override {
    ++num_sampled_;
    return Remember(token);
  }

 private:
  SampledToken Remember(Token token) {
    history_.push_back(token);
    return SampledToken{token, false, PieceOf(token), std::nullopt};
  }

  std::vector<Token> history_;
  int num_sampled_ = 0;
};

// Samples one of two tokens, depending on all cells: there is always a draft, and half are wrong.
class CoinSampler : public UnscoredSampler {
 public:
  Result<SampledToken> Sample(const float* logits) override {
    const auto best = static_cast<Token>(std::max_element(logits, logits + kVocab) - logits);
    return Replay(3 + best % 2);
  }
  Result<SampledToken> Replay(Token token) override {
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
  std::vector<std::vector<Token>> tokens;
  std::int32_t prediction_accepted = 0, prediction_rejected = 0;
  std::int32_t draft_n = 0, draft_n_accepted = 0;
};

Ran Run(FakeModel model, std::shared_ptr<SamplerFactory> samplers,
        const std::vector<Request>& requests, std::unique_ptr<Drafter> drafter = nullptr) {
  EngineParts parts;
  parts.drafter = std::move(drafter);
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
    ran.tokens.push_back(outcomes[id].tokens);
    ran.prediction_accepted += outcomes[id].final->prediction_accepted;
    ran.prediction_rejected += outcomes[id].final->prediction_rejected;
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

// The likeliest token, or another one: always, or where it is odd.
class OtherSampler : public UnscoredSampler {
 public:
  explicit OtherSampler(bool always) : always_(always) {}
  Result<SampledToken> Sample(const float* logits) override {
    const auto best = static_cast<Token>(std::max_element(logits, logits + kVocab) - logits);
    return Replay(always_ || best % 2 == 1 ? 3 + (best - 2) % 60 : best);
  }
  Result<SampledToken> Replay(Token token) override {
    return SampledToken{token, false, PieceOf(token), std::nullopt};
  }

 private:
  const bool always_;
};

class OtherFactory : public SamplerFactory {
 public:
  explicit OtherFactory(bool always) : always_(always) {}
  Result<std::unique_ptr<TokenSampler>> Create(const Request&, const PreparedPrompt&) override {
    return std::unique_ptr<TokenSampler>(std::make_unique<OtherSampler>(always_));
  }

 private:
  const bool always_;
};

// A draft model that knows what the model will sample. It reports `ms` for each draft and fails
// after `lasts` drafts.
class Twin : public Drafter {
 public:
  explicit Twin(const FakeModel& model, double ms = 0, int lasts = 1 << 20)
      : drafter_(std::make_unique<FakeDecoder>(DraftOf(model)), kVocab), ms_(ms), lasts_(lasts) {}

  Result<Drafts> Draft(const std::vector<DraftRequest>& requests, std::int32_t room) override {
    if (lasts_-- == 0) return Error{ErrorCode::kInternal, "draft_model", "broken"};
    EXPECT(lasts_ >= 0);  // it is not called again
    auto drafts = drafter_.Draft(requests, room);
    drafts->ms = ms_;
    return drafts;
  }
  void Forget(SeqId seq) override { drafter_.Forget(seq); }

 private:
  static FakeModel DraftOf(FakeModel model) {
    model.sequences = 0;
    model.rounds = false;
    model.gate = nullptr;
    model.cells = 1 << 20;
    return model;
  }

  ModelDrafter drafter_;
  const double ms_;
  int lasts_;
};

std::vector<Request> Texts(std::uint32_t count, std::int32_t max_tokens = 100) {
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto size = static_cast<std::int32_t>(6 + 3 * i);
    requests.push_back(TokenRequest(RandomPrompt(size, i), max_tokens + static_cast<int>(i)));
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

TEST(SpeculationLoop, WhereRowsMixAllStreamsDraft) {
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

TEST(SpeculationLoop, RejectedDraftsLeaveNothingBehind) {
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

TEST(SpeculationLoop, APerfectDraftModelSavesOneStepForEachToken) {
  const FakeModel model = Model(15);
  const Ran plain = Run(Model(0), std::make_shared<GreedyFactory>(), Texts(1));
  const Ran drafted =
      Run(model, std::make_shared<GreedyFactory>(), Texts(1), std::make_unique<Twin>(model));
  EXPECT(drafted.texts == plain.texts);
  EXPECT(drafted.stats.accepted_draft_tokens > 0);
  EXPECT_EQ(drafted.stats.accepted_draft_tokens, drafted.stats.drafted_tokens);
  EXPECT_EQ(drafted.stats.steps + drafted.stats.accepted_draft_tokens, plain.stats.steps);
}

TEST(SpeculationLoop, APredictionSavesOneStepForEachTokenOfIt) {
  for (const bool has_model : {false, true}) {
    const FakeModel model = Model(15);
    std::vector<Request> requests = Texts(1);
    const Ran plain = Run(Model(0), std::make_shared<GreedyFactory>(), requests);
    requests[0].prediction = plain.tokens[0];
    auto other = has_model ? std::make_unique<Twin>(model) : nullptr;
    const Ran drafted = Run(model, std::make_shared<GreedyFactory>(), requests, std::move(other));
    EXPECT(drafted.texts == plain.texts);
    EXPECT_EQ(drafted.prediction_accepted, drafted.draft_n);
    EXPECT_EQ(drafted.prediction_rejected, 0);
    EXPECT(drafted.prediction_accepted > 0);
    EXPECT_EQ(drafted.stats.steps + drafted.stats.accepted_draft_tokens, plain.stats.steps);
  }
}

TEST(SpeculationLoop, WrongPredictionsChangeNoText) {
  for (const bool mixes : {false, true}) {
    std::vector<Request> requests = Texts(9);
    const Ran plain = Run(Model(0, mixes), std::make_shared<GreedyFactory>(), requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      requests[i].prediction = plain.tokens[i];  // with a wrong token in every eleven
      for (std::size_t at = 5; at < requests[i].prediction.size(); at += 11) {
        requests[i].prediction[at] = 60;
      }
    }
    const Ran drafted = Run(Model(32, mixes), std::make_shared<GreedyFactory>(), requests);
    EXPECT(drafted.texts == plain.texts);
    EXPECT(drafted.prediction_accepted > 0);
    EXPECT(drafted.prediction_accepted + drafted.prediction_rejected <= drafted.draft_n);
    EXPECT(drafted.stats.steps < plain.stats.steps);
  }
}

TEST(SpeculationLoop, ADraftModelThatIsWrongChangesNoText) {
  for (const bool always : {true, false}) {
    for (const bool mixes : {false, true}) {
      const FakeModel model = Model(32, mixes);
      const auto samplers = std::make_shared<OtherFactory>(always);
      const Ran plain = Run(Model(0, mixes), samplers, Texts(12));
      const Ran drafted = Run(model, samplers, Texts(12), std::make_unique<Twin>(model));
      EXPECT(drafted.texts == plain.texts);
      EXPECT(drafted.stats.drafted_tokens > 0);
      EXPECT_EQ(drafted.stats.accepted_draft_tokens == 0, always);
      EXPECT(drafted.stats.accepted_draft_tokens < drafted.stats.drafted_tokens);
    }
  }
}

TEST(SpeculationLoop, AllStreamsShareOneDraftModel) {
  const FakeModel model = Model(32, true);
  const Ran plain = Run(Model(0, true), std::make_shared<GreedyFactory>(), Texts(9));
  const Ran drafted =
      Run(model, std::make_shared<GreedyFactory>(), Texts(9), std::make_unique<Twin>(model));
  EXPECT(drafted.texts == plain.texts);
  EXPECT(drafted.stats.steps < plain.stats.steps);
}

TEST(SpeculationLoop, ADraftModelThatDoesNotPayIsLeftAlone) {
  const FakeModel model = Model(15);
  const Ran plain = Run(Model(0), std::make_shared<GreedyFactory>(), Texts(1, 400));
  const Ran drafted = Run(model, std::make_shared<GreedyFactory>(), Texts(1, 400),
                          std::make_unique<Twin>(model, 1e6));
  EXPECT(drafted.texts == plain.texts);
  EXPECT(drafted.stats.drafted_tokens > 0);
  EXPECT(drafted.stats.drafted_tokens < 40);  // a few tries, each after a longer pause
}

TEST(SpeculationLoop, ADraftModelThatFailsIsNotAskedAgain) {
  for (const bool mixes : {false, true}) {
    const FakeModel model = Model(32, mixes);
    const Ran plain = Run(Model(0, mixes), std::make_shared<GreedyFactory>(), Texts(6));
    const Ran drafted = Run(model, std::make_shared<GreedyFactory>(), Texts(6),
                            std::make_unique<Twin>(model, 0, 2));
    EXPECT(drafted.texts == plain.texts);
    EXPECT_EQ(drafted.stats.draft_failures, 1u);
    EXPECT_EQ(drafted.stats.requests_failed, 0u);
  }
}

TEST(SpeculationLoop, TheDraftModelFollowsAShift) {
  FakeModel model = Model(15);
  model.context_size = 64;
  const Ran drafted =
      Run(model, std::make_shared<GreedyFactory>(), Texts(1, 200), std::make_unique<Twin>(model));
  model.max_draft = 0;
  const Ran plain = Run(model, std::make_shared<GreedyFactory>(), Texts(1, 200));
  EXPECT(drafted.texts == plain.texts);
  EXPECT(drafted.stats.shifts > 1);
  EXPECT_EQ(drafted.stats.accepted_draft_tokens, drafted.stats.drafted_tokens);
}

TEST(SpeculationLoop, WhatACallCostsWithoutDraftsStaysKnown) {
  const FakeModel model = Model(1);
  const Ran drafted =
      Run(model, std::make_shared<GreedyFactory>(), Texts(1, 400), std::make_unique<Twin>(model));
  // A draft makes two tokens of a step: the first step, the last and each 33rd have none.
  EXPECT(drafted.stats.generated_tokens >= 2 * drafted.stats.accepted_draft_tokens + 6);
}

TEST(SpeculationLoop, PreemptionAndPressureChangeNoText) {
  FakeModel model = Model(32, true);
  FakeModel tight = model;
  tight.cells = 200;  // for one text and a half
  const auto twin = [&](bool is_model) {
    return is_model ? std::make_unique<Twin>(model) : nullptr;  // else from earlier text
  };
  for (const bool is_model : {false, true}) {
    const auto samplers = std::make_shared<CoinFactory>();
    const Ran plain = Run(Model(0, true), samplers, Texts(12));
    const Ran drafted = Run(tight, samplers, Texts(12), twin(is_model));
    EXPECT(drafted.texts == plain.texts);
    EXPECT(drafted.stats.preemptions > 0);
    EXPECT(drafted.stats.drafted_tokens > 0);
    EXPECT_EQ(drafted.stats.draft_failures, 0u);
    EXPECT_EQ(drafted.stats.requests_failed, 0u);
  }
}

TEST(SpeculationLoop, DraftsTakeNoRoomThatATokenNeeds) {
  FakeModel model = Model(15);
  model.cells = 106;  // for the prompt and 100 tokens, when nothing is drafted beyond
  const auto texts = [&](std::int32_t max_draft) {
    FakeModel tight = model;
    tight.max_draft = max_draft;
    return Run(tight, std::make_shared<GreedyFactory>(), Texts(1, 300),
               std::make_unique<Twin>(model));
  };
  const Ran plain = texts(0), drafted = texts(15);
  EXPECT_EQ(plain.stats.generated_tokens, 101u);  // the last one needs no cell
  EXPECT(drafted.texts == plain.texts);
  EXPECT(drafted.stats.accepted_draft_tokens > 0);
}
