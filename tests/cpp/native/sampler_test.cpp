// SPDX-License-Identifier: AGPL-3.0-only
// Choosing tokens: the raw row and the chain, the grammar on top, and rows that are no numbers.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "backend/decode/sampler_factory.h"
#include "check.h"
#include "core/grammar/automaton/grammar.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "guide.h"
#include "llama.h"

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
  if (!gbnf.empty()) prompt.grammar = *grammar::CompileGbnf(gbnf, grammar::Limits::ForClient());
  backend::ModelSamplerFactory factory(Vocab(), nullptr, false);
  return std::move(factory.Create(request, prompt)).value();
}

Request Greedy() {
  Request request;
  request.sampling.temperature = 0;
  request.sampling.repeat_penalty = 1;
  return request;
}

// For each of these llama.cpp's chain chooses. Two of them keep few candidates, often one.
std::vector<Request> RequestsOfTheChain() {
  std::vector<Request> requests(6);
  for (Request& request : requests) {
    request.sampling.seed = 7;
    request.ignore_eos = true;
  }
  requests[0].sampling.typical_p = 0.4f;
  requests[1].sampling.dry_multiplier = 0.9f;
  requests[2].sampling.xtc_probability = 0.5f;
  requests[2].sampling.xtc_threshold = 0.03f;
  requests[3].sampling.xtc_probability = 0.5f;
  requests[3].sampling.min_p = 0.5f;
  requests[4].sampling.dry_multiplier = 0.9f;
  requests[4].sampling.temperature = 0;
  SamplingParams& open = requests[5].sampling;
  open.dynatemp_range = 0.5f;
  open.top_k = 0;
  open.top_p = 1;
  open.min_p = 0;
  return requests;
}

std::vector<Token> Sampled(TokenSampler* sampler, std::uint32_t from, std::uint32_t to) {
  std::vector<Token> tokens;
  for (std::uint32_t row = from; row < to; ++row) {
    const auto sampled = sampler->Sample(RandomLogits(row).data());
    if (!sampled || sampled->is_end) break;
    tokens.push_back(sampled->token);
  }
  return tokens;
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

TEST(Sampler, TheChainGoesOnBehindReplayedTokens) {
  // The likeliest tokens are hardly ever digits: nearly each one is refused at first.
  for (const char* gbnf : {"", "root ::= [0-9]{200}"}) {
    for (const Request& request : RequestsOfTheChain()) {
      constexpr std::uint32_t kCount = 30;
      const std::vector<Token> whole = Sampled(MakeSampler(request, gbnf).get(), 0, kCount);
      ASSERT(whole.size() == kCount);
      for (std::uint32_t cut = 0; cut < kCount; ++cut) {
        auto sampler = MakeSampler(request, gbnf);
        for (std::uint32_t i = 0; i < cut; ++i) EXPECT(sampler->Replay(whole[i]).ok());
        const std::vector<Token> rest = Sampled(sampler.get(), cut, kCount);
        EXPECT(std::equal(rest.begin(), rest.end(), whole.begin() + cut, whole.end()));
      }
    }
  }
}

TEST(Sampler, MirostatCannotReplay) {
  Request request;
  for (const std::int32_t version : {1, 2}) {
    request.sampling.mirostat = version;
    const auto refused = MakeSampler(request)->Replay(5);
    ASSERT(!refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kNotSupported);
  }
  request.sampling.temperature = 0;  // greedy, whatever mirostat is
  EXPECT(MakeSampler(request)->Replay(5).ok());
}

TEST(Sampler, TheChainDrawsWhatLlamaCppDraws) {
  Request request = RequestsOfTheChain()[2];
  request.ignore_eos = false;
  SamplingParams& p = request.sampling;
  p.repeat_penalty = 1;
  p.typical_p = 0.8f;
  p.dynatemp_range = 0.3f;
  const std::unique_ptr<llama_sampler, void (*)(llama_sampler*)> chain(
      llama_sampler_chain_init(llama_sampler_chain_default_params()), llama_sampler_free);
  for (llama_sampler* sampler :
       {llama_sampler_init_top_k(p.top_k), llama_sampler_init_typical(p.typical_p, 1),
        llama_sampler_init_top_p(p.top_p, 1), llama_sampler_init_min_p(p.min_p, 1),
        llama_sampler_init_xtc(p.xtc_probability, p.xtc_threshold, 1, 7),
        llama_sampler_init_temp_ext(p.temperature, p.dynatemp_range, p.dynatemp_exponent),
        llama_sampler_init_dist(7)}) {
    llama_sampler_chain_add(chain.get(), sampler);
  }
  auto ours = MakeSampler(request);
  for (std::uint32_t row = 0; row < 200; ++row) {
    const std::vector<float> logits = RandomLogits(row);
    std::vector<llama_token_data> candidates;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      candidates.push_back({static_cast<Token>(i), logits[i], 0});
    }
    llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
    llama_sampler_apply(chain.get(), &array);
    EXPECT_EQ(ours->Sample(logits.data())->token, array.data[array.selected].id);
  }
}
