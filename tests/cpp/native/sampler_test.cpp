// SPDX-License-Identifier: AGPL-3.0-only
// Choosing tokens: the raw row and the chain, the grammar on top, and rows that are no numbers.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "backend/decode/sampler_factory.h"
#include "check.h"
#include "core/grammar/grammar.h"
#include "guide.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

std::shared_ptr<const backend::SamplingVocab> Vocab() {
  static const backend::ModelPromptBuilder prompts(Guide(), "");
  static const auto vocab = backend::MakeSamplingVocab(Guide(), prompts.tokenizer());
  return vocab;
}

std::vector<float> RandomLogits(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 2.0f);
  std::vector<float> logits(Vocab()->pieces.size());
  for (float& logit : logits) logit = normal(random);
  return logits;
}

std::unique_ptr<TokenSampler> MakeSampler(const Request& request, const std::string& gbnf = "") {
  PreparedPrompt prompt;
  prompt.tokens = {1, 2, 3};
  if (!gbnf.empty()) prompt.grammar = *grammar::Compile(gbnf, grammar::Limits::ForClient());
  backend::ModelSamplerFactory factory(Vocab(), nullptr);
  return std::move(factory.Create(request, prompt)).value();
}

Request Greedy() {
  Request request;
  request.sampling.temperature = 0;
  request.sampling.repeat_penalty = 1;
  return request;
}

}  // namespace

TEST(Sampler, GreedyIsTheArgMax) {
  auto sampler = MakeSampler(Greedy());
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> logits = RandomLogits(seed);
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    EXPECT_EQ(sampler->Sample(logits.data())->token, static_cast<Token>(best));
  }
}

TEST(Sampler, TheSameSeedDrawsTheSameTokens) {
  Request request;
  request.sampling.top_k = 0;
  request.sampling.seed = 11;
  auto a = MakeSampler(request);
  auto b = MakeSampler(request);
  request.sampling.seed = 12;
  auto c = MakeSampler(request);
  int differences = 0;
  for (std::uint32_t i = 0; i < 50; ++i) {
    const std::vector<float> logits = RandomLogits(i);
    const Token token = a->Sample(logits.data())->token;
    EXPECT_EQ(b->Sample(logits.data())->token, token);
    differences += c->Sample(logits.data())->token != token ? 1 : 0;
  }
  EXPECT(differences > 10);
}

TEST(Sampler, RowsThatAreNoNumbersFail) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{517}, Vocab()->pieces.size() - 1}) {
      std::vector<float> logits = RandomLogits(1);
      logits[at] = bad;
      const auto sampled = MakeSampler(Greedy())->Sample(logits.data());
      ASSERT(!sampled.ok());
      EXPECT_EQ(sampled.error().code, ErrorCode::kNumeric);
    }
  }
}

TEST(Sampler, AGrammarHoldsWhateverTheModelWants) {
  auto sampler = MakeSampler(Greedy(), R"(root ::= "yes" | "no" " way")");
  std::string text;
  bool has_ended = false;
  for (std::uint32_t i = 0; i < 20 && !has_ended; ++i) {
    const auto sampled = sampler->Sample(RandomLogits(i).data());
    ASSERT(sampled.ok());
    has_ended = sampled->is_end;
    if (!has_ended) text += sampled->piece;
  }
  EXPECT(has_ended);
  EXPECT(text == "yes" || text == "no way");
}

TEST(Sampler, AFinishedGrammarEndsEvenWhenEndingIsForbidden) {
  Request request = Greedy();
  request.ignore_eos = true;
  auto sampler = MakeSampler(request, R"(root ::= "a")");
  EXPECT_EQ(sampler->Sample(RandomLogits(1).data())->piece, "a");
  EXPECT(sampler->Sample(RandomLogits(2).data())->is_end);
}

TEST(Sampler, ABanIsABan) {
  Request request = Greedy();
  const std::vector<float> logits = RandomLogits(3);
  const auto best =
      static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  request.sampling.logit_bias = {{best, -100.0f}};
  EXPECT(MakeSampler(request)->Sample(logits.data())->token != best);
}

TEST(Sampler, LogprobsAreTheLogSoftmaxOfTheRow) {
  const std::vector<float> logits = RandomLogits(4);
  Request request;
  request.sampling.top_logprobs = 5;
  request.sampling.temperature = 0.3f;  // must not matter
  const auto sampled = MakeSampler(request)->Sample(logits.data());
  ASSERT(sampled.ok() && sampled->logprob);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  const auto expected = [&](Token t) {
    return logits[static_cast<std::size_t>(t)] - std::log(sum);
  };
  EXPECT(std::abs(sampled->logprob->chosen.logprob - expected(sampled->token)) < 1e-4);
  ASSERT(sampled->logprob->top.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    const TokenLogprob& entry = sampled->logprob->top[i];
    EXPECT(std::abs(entry.logprob - expected(entry.token)) < 1e-4);
    if (i > 0) EXPECT(entry.logprob <= sampled->logprob->top[i - 1].logprob);
  }
}
