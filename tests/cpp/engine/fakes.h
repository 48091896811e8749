// SPDX-License-Identifier: AGPL-3.0-only
// Fakes behind the engine's seams.
#pragma once

#include <cmath>
#include <map>
#include <thread>

#include "core/seams/task_pool.h"
#include "core/seams/token_sampler.h"
#include "engine/local_engine.h"
#include "fake_decoder.h"

namespace sentiric::testing {

// Samples the likeliest token. With any grammar, every fourth token forces one to three others: all
// at once, or one by one when its text is kOneByOne.
inline constexpr const char* kOneByOne = "one by one";

class GreedySampler : public TokenSampler {
 public:
  explicit GreedySampler(const GrammarSpec& grammar)
      : forces_(grammar.kind != GrammarSpec::Kind::kNone), jumps_(grammar.text != kOneByOne) {}

  Result<SampledToken> Sample(const float* logits) override {
    Token best = 0;
    for (Token token = 0; token < kVocab; ++token) {
      if (std::isnan(logits[token])) return Error{ErrorCode::kNumeric, "logits", "NaN"};
      if (logits[token] > logits[best]) best = token;
    }
    return forced_.empty() ? Choose(best) : Take();
  }
  Result<SampledToken> Replay(Token token) override {
    if (forced_.empty()) return Choose(token);
    if (forced_.front() == token) return Take();
    return Error{ErrorCode::kInvalidArgument, "delivered", "another token is forced"};
  }
  // The logit itself, and those of as many tokens.
  Result<ChosenLogprob> Score(const float* logits, Token token,
                              std::int32_t num_top) const override {
    const auto entry = [&](Token of) {
      return TokenLogprob{of, std::string(Meaning(of).piece), logits ? logits[of] : NAN};
    };
    ChosenLogprob scored{entry(token), {}};
    if (logits && std::isnan(logits[0])) return Error{ErrorCode::kNumeric, "logits", "NaN"};
    for (Token top = 0; logits && top < num_top; ++top) scored.top.push_back(entry(top));
    return scored;
  }
  std::vector<SampledToken> Forced(std::size_t max_tokens) override {
    std::vector<SampledToken> taken;
    while (jumps_ && !forced_.empty() && taken.size() < max_tokens) taken.push_back(Take());
    return taken;
  }

 private:
  SampledToken Choose(Token token) {
    for (Token i = 0; forces_ && token % 4 == 3 && i <= token % 3; ++i) {
      forced_.push_back(3 + (token * 7 + i * 5) % (kVocab - 3));
    }
    return Meaning(token);
  }
  SampledToken Take() {
    const Token token = forced_.front();
    forced_.erase(forced_.begin());
    return Meaning(token);
  }
  static SampledToken Meaning(Token token) {
    static const std::string kPieces = [] {
      std::string pieces;
      for (Token t = 0; t < kVocab; ++t) pieces += static_cast<char>('0' + t);
      return pieces;
    }();
    const auto index = static_cast<std::size_t>(token);
    return {token, token == kEnd, std::string_view(kPieces).substr(index, 1), std::nullopt};
  }

  const bool forces_, jumps_;
  std::vector<Token> forced_;
};

class GreedyFactory : public SamplerFactory {
 public:
  Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                               const PreparedPrompt&) override {
    return std::unique_ptr<TokenSampler>(std::make_unique<GreedySampler>(request.grammar));
  }
};

// Token prompts only; a prompt that begins with kEnd cannot be prepared.
class FakePrompts : public PromptBuilder {
 public:
  explicit FakePrompts(std::int32_t keep) : keep_(keep) {}

  Result<PreparedPrompt> Prepare(const Request& request, std::int32_t max_prompt) override {
    const auto& tokens = request.prompt.tokens;
    if (tokens.front() == kEnd) throw std::runtime_error("cannot be prepared");
    if (static_cast<std::int32_t>(tokens.size()) > max_prompt) {
      return Error{ErrorCode::kContextLengthExceeded, "tokens", "too long"};
    }
    PreparedPrompt prepared;
    prepared.tokens = tokens;
    prepared.keep = keep_;
    prepared.opening = static_cast<std::int32_t>(tokens.size());
    return prepared;
  }
  Result<RenderedPrompt> Render(const Prompt&, bool, bool) override { return RenderedPrompt{}; }
  Result<std::vector<Token>> TokenizeChat(const Prompt&, bool) override {
    return std::vector<Token>{};
  }
  Result<std::vector<Token>> Tokenize(std::string_view, bool, bool) override {
    return std::vector<Token>{};
  }
  Result<std::string> Detokenize(const std::vector<Token>&, bool) override { return std::string{}; }

 private:
  const std::int32_t keep_;
};

class InlinePool : public TaskPool {
 public:
  void Post(std::function<void()> task, std::size_t) override { task(); }
};

struct LoopOptions {
  std::int32_t queue_limit = 64;
  std::int32_t queue_wait_ms = 0;
  std::int32_t busy_chunk = 4;
  std::int32_t idle_chunk = 8;
  PrefixCacheConfig prefix = {};
};

inline LoopConfig ConfigOf(const LoopOptions& options) {
  LoopConfig loop;
  loop.busy_chunk = options.busy_chunk;
  loop.scheduler.idle_chunk = options.idle_chunk;
  loop.scheduler.max_outputs = kMaxOutputs;
  loop.queue.wait_ms = options.queue_wait_ms;
  loop.prefix = options.prefix;
  return loop;
}

inline std::unique_ptr<LocalEngine> MakeEngine(const FakeModel& model,
                                               const LoopOptions& options = {},
                                               std::unique_ptr<TaskPool> long_preparation = {}) {
  EngineParts parts;
  parts.decoder = std::make_unique<FakeDecoder>(model);
  parts.samplers = std::make_shared<GreedyFactory>();
  parts.prompts = std::make_shared<FakePrompts>(model.keep);
  parts.preparation = std::make_unique<InlinePool>();
  parts.long_preparation = std::move(long_preparation);
  parts.info.num_vocab = kVocab;
  parts.info.context_size = model.context_size;
  parts.info.can_generate = model.can_generate;
  return std::make_unique<LocalEngine>(std::move(parts), ConfigOf(options), options.queue_limit);
}

inline Request TokenRequest(std::vector<Token> tokens, std::int32_t max_tokens) {
  Request request;
  request.prompt.tokens = std::move(tokens);
  request.max_tokens = max_tokens;
  return request;
}

// `size` tokens without kEnd, kPoison and kNan.
inline std::vector<Token> RandomPrompt(std::int32_t size, std::uint32_t seed) {
  std::vector<Token> tokens;
  for (std::int32_t i = 0; i < size; ++i) {
    seed = seed * 1664525u + 1013904223u;
    tokens.push_back(3 + static_cast<Token>((seed >> 8) % (kVocab - 3)));
  }
  return tokens;
}

struct Outcome {
  std::string text;
  std::vector<Token> tokens;
  std::vector<ChosenLogprob> scores;  // of the prompt
  TruncationReport truncation;
  std::optional<Final> final;
};

// Takes events until `count` requests have ended; gives up after ten seconds.
inline std::map<RequestId, Outcome> Collect(LocalEngine* engine, std::size_t count,
                                            std::vector<std::vector<Event>>* batches = nullptr) {
  std::map<RequestId, Outcome> outcomes;
  std::size_t ended = 0;
  const auto give_up = Clock::now() + std::chrono::seconds(10);
  while (ended < count && Clock::now() < give_up) {
    std::vector<Event> events;
    engine->WaitEvents(&events, std::chrono::milliseconds(100));
    for (const Event& event : events) {
      Outcome& outcome = outcomes[event.request];
      outcome.text += event.text;
      outcome.tokens.insert(outcome.tokens.end(), event.tokens.begin(), event.tokens.end());
      outcome.scores.insert(outcome.scores.end(), event.prompt_logprobs.begin(),
                            event.prompt_logprobs.end());
      outcome.truncation = event.truncation;
      if (event.final) {
        outcome.final = event.final;
        ++ended;
      }
    }
    if (batches != nullptr) batches->push_back(std::move(events));
  }
  return outcomes;
}

inline std::string Solo(const FakeModel& model, const Request& request) {
  auto engine = MakeEngine(model);
  const RequestId id = *engine->Submit(request);
  return Collect(engine.get(), 1)[id].text;
}

}  // namespace sentiric::testing
