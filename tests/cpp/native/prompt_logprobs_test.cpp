// SPDX-License-Identifier: AGPL-3.0-only
// The log-probabilities of a prompt are those of llama.cpp's logits, alone and among streams.
#include <algorithm>
#include <cmath>
#include <map>

#include "backend/decode/batch_buffer.h"
#include "backend/decode/llama_context_ptr.h"
#include "check.h"
#include "guide.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

constexpr std::int32_t kTop = 3;

std::vector<Token> SomePrompt(std::int32_t size, Token salt) {
  std::vector<Token> tokens;
  for (std::int32_t i = 0; i < size; ++i) tokens.push_back(20 + (salt * 131 + i * 37) % 900);
  return tokens;
}

Request Scored(const std::vector<Token>& prompt) {
  Request request;
  request.prompt.tokens = prompt;
  request.max_tokens = 0;
  request.prompt_logprobs = kTop;
  return request;
}

// Log softmax, in double precision, of the rows of a single call.
std::vector<std::vector<double>> Expected(const std::vector<Token>& prompt) {
  auto params = *backend::CommonParams(GuideConfig());
  params.n_ctx = 256;
  params.n_batch = params.n_ubatch = 256;
  const backend::ContextPtr context = std::move(backend::MakeContext(*Guide(), params)).value();
  backend::BatchBuffer buffer;
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    buffer.Add({0, static_cast<Position>(i), prompt[i], true});
  }
  EXPECT_EQ(llama_decode(context.get(), buffer.View()), 0);
  std::vector<std::vector<double>> rows;
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    const float* logits = llama_get_logits_ith(context.get(), static_cast<std::int32_t>(i));
    std::vector<double> row(logits, logits + Guide()->num_vocab());
    double sum = 0;
    for (const double x : row) sum += std::exp(x);
    for (double& x : row) x -= std::log(sum);
    rows.push_back(std::move(row));
  }
  return rows;
}

bool IsNear(const TokenLogprob& got, const std::vector<double>& row) {
  return std::abs(static_cast<double>(got.logprob) - row[static_cast<std::size_t>(got.token)]) <
         1e-4;
}

void ExpectScores(const std::vector<ChosenLogprob>& scores, const std::vector<Token>& prompt) {
  ASSERT(scores.size() == prompt.size());
  EXPECT(std::isnan(scores[0].chosen.logprob));
  const auto rows = Expected(prompt);
  for (std::size_t i = 1; i < prompt.size(); ++i) {
    std::vector<double> row = rows[i - 1];
    EXPECT_EQ(scores[i].chosen.token, prompt[i]);
    EXPECT(IsNear(scores[i].chosen, row));
    ASSERT(scores[i].top.size() == kTop);
    for (const TokenLogprob& top : scores[i].top) EXPECT(IsNear(top, row));
    std::sort(row.begin(), row.end(), std::greater<>());
    for (std::size_t j = 0; j < kTop; ++j) {
      EXPECT(std::abs(static_cast<double>(scores[i].top[j].logprob) - row[j]) < 1e-4);
    }
  }
}

using Scores = std::map<RequestId, std::vector<ChosenLogprob>>;

Scores Collect(Engine* engine, std::size_t count) {
  Scores scores;
  for (std::size_t ended = 0; ended < count;) {
    std::vector<Event> events;
    if (!engine->WaitEvents(&events, std::chrono::milliseconds(1000))) break;
    for (Event& event : events) {
      auto& all = scores[event.request];
      all.insert(all.end(), event.prompt_logprobs.begin(), event.prompt_logprobs.end());
      ended += event.final ? 1 : 0;
    }
  }
  return scores;
}

bool SameBits(const std::vector<ChosenLogprob>& a, const std::vector<ChosenLogprob>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 1; i < a.size(); ++i) {
    if (a[i].chosen.logprob != b[i].chosen.logprob) return false;
  }
  return true;
}

}  // namespace

TEST(PromptLogprobs, AreThoseOfTheLogits) {
  auto engine = std::move(Engine::Open(GuideConfig(2))).value();
  for (const std::int32_t size : {1, 2, 31, 32, 33, 34, 65, 200}) {
    const std::vector<Token> prompt = SomePrompt(size, size);
    const RequestId id = *engine->Submit(Scored(prompt));
    ExpectScores(Collect(engine.get(), 1)[id], prompt);
  }
}

// Also beside a stream, which makes the pieces of the prompt shorter.
TEST(PromptLogprobs, NeighboursDoNotChangeABit) {
  const std::vector<Token> prompt = SomePrompt(150, 1);
  EngineConfig config = GuideConfig(4);
  auto alone = std::move(Engine::Open(config)).value();
  const RequestId solo = *alone->Submit(Scored(prompt));
  const std::vector<ChosenLogprob> want = Collect(alone.get(), 1)[solo];
  config.prefill_chunk = 7;
  auto engine = std::move(Engine::Open(config)).value();
  std::vector<RequestId> ids;
  for (Token salt = 2; salt < 4; ++salt) {
    Request stream;
    stream.prompt.tokens = SomePrompt(20, salt);
    stream.max_tokens = 100;
    stream.ignore_eos = true;
    EXPECT(engine->Submit(stream).ok());
    ids.push_back(*engine->Submit(Scored(prompt)));
  }
  const Scores scores = Collect(engine.get(), 4);
  for (const RequestId id : ids) EXPECT(SameBits(scores.at(id), want));
}
