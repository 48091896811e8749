// SPDX-License-Identifier: AGPL-3.0-only
// Fakes behind the engine's seams: a toy language model whose next token depends on the whole
// history that its KV cache holds, so that any mistake in the cache changes the text.
#pragma once

#include <cmath>
#include <map>
#include <thread>

#include "core/decoder.h"
#include "core/task_pool.h"
#include "core/token_sampler.h"
#include "engine/local_engine.h"

namespace sentiric::testing {

inline constexpr std::int32_t kVocab = 64;
inline constexpr Token kEnd = 0;
inline constexpr Token kNan = 1;     // a row after this token holds NaN
inline constexpr Token kPoison = 2;  // the backend fails on batches that hold it

struct FakeModel {
  std::int32_t contexts = 4;
  std::int32_t context_size = 64;
  std::int32_t cells = 1 << 20;  // in the whole cache
  bool can_shift = true;
  bool never_ends = true;
  std::chrono::microseconds row_time{0};
  // When given, nothing is decoded until it is true: requests submitted before run side by side.
  std::shared_ptr<std::atomic<bool>> gate;
  std::int32_t keep = 4;  // head of every prompt that a shift must leave alone
  // When given, gets the first `keep` cells of a sequence after each of its shifts.
  std::shared_ptr<std::vector<std::vector<Token>>> heads;
};

inline std::shared_ptr<std::atomic<bool>> ClosedGate() {
  return std::make_shared<std::atomic<bool>>(false);
}

class FakeDecoder : public Decoder {
 public:
  explicit FakeDecoder(const FakeModel& model) : model_(model) {
    traits_.num_vocab = kVocab;
    traits_.contexts = model.contexts;
    traits_.context_size = model.context_size;
    traits_.max_batch = 512;
    traits_.can_shift = model.can_shift;
    cache_.resize(static_cast<std::size_t>(model.contexts));
  }

  const DecoderTraits& traits() const override { return traits_; }

  DecodeStatus Decode(const Batch& batch, const std::atomic<bool>* abort) override {
    logits_.clear();
    while (model_.gate && !model_.gate->load()) std::this_thread::yield();
    if (!IsValid(batch)) return DecodeStatus::kInvalid;
    if (NumCells() + static_cast<std::int32_t>(batch.size()) > model_.cells) {
      return DecodeStatus::kKvFull;
    }
    for (const Row& row : batch) {
      if (row.token == kPoison) return DecodeStatus::kFailed;
      if (abort != nullptr && abort->load()) return DecodeStatus::kAborted;
      if (model_.row_time.count() > 0) std::this_thread::sleep_for(model_.row_time);
      cache_[static_cast<std::size_t>(row.seq)].push_back(row.token);
      logits_.push_back(row.wants_logits ? LogitsOf(row.seq) : std::vector<float>{});
    }
    return DecodeStatus::kOk;
  }

  const float* Logits(std::size_t row) override { return logits_.at(row).data(); }
  bool Truncate(SeqId seq, Position from) override {
    auto& cells = cache_.at(static_cast<std::size_t>(seq));
    if (static_cast<std::size_t>(from) < cells.size()) cells.resize(static_cast<std::size_t>(from));
    return true;
  }
  void Shift(SeqId seq, Position keep, Position count) override {
    auto& cells = cache_.at(static_cast<std::size_t>(seq));
    cells.erase(cells.begin() + keep, cells.begin() + keep + count);
    if (model_.heads) model_.heads->push_back({cells.begin(), cells.begin() + model_.keep});
  }
  void Clear(SeqId seq) override { cache_.at(static_cast<std::size_t>(seq)).clear(); }
  Position MaxPosition(SeqId seq) override {
    return static_cast<Position>(cache_.at(static_cast<std::size_t>(seq)).size()) - 1;
  }

 private:
  bool IsValid(const Batch& batch) {
    std::map<SeqId, Position> next;
    for (const Row& row : batch) {
      if (row.pos >= traits_.context_size) return false;
      const auto at = next.emplace(row.seq, MaxPosition(row.seq) + 1).first;
      if (row.pos != at->second++) return false;
    }
    return !batch.empty();
  }
  std::int32_t NumCells() const {
    std::size_t cells = 0;
    for (const auto& sequence : cache_) cells += sequence.size();
    return static_cast<std::int32_t>(cells);
  }
  std::vector<float> LogitsOf(SeqId seq) const {
    const auto& history = cache_.at(static_cast<std::size_t>(seq));
    std::uint64_t hash = 1469598103934665603ULL;
    for (const Token token : history)
      hash = (hash ^ static_cast<std::uint64_t>(token)) * 1099511628211ULL;
    std::vector<float> logits(kVocab, 0.0f);
    const Token low = model_.never_ends ? 3 : kEnd;
    Token best = low + static_cast<Token>((hash >> 20) % static_cast<std::uint64_t>(kVocab - low));
    if (best == kNan || best == kPoison) best = 3;
    logits[static_cast<std::size_t>(best)] = 1.0f;
    if (history.back() == kNan) logits[0] = NAN;
    return logits;
  }

  const FakeModel model_;
  DecoderTraits traits_;
  std::vector<std::vector<Token>> cache_;
  std::vector<std::vector<float>> logits_;
};

class GreedySampler : public TokenSampler {
 public:
  Result<SampledToken> Sample(const float* logits) override {
    Token best = 0;
    for (Token token = 0; token < kVocab; ++token) {
      if (std::isnan(logits[token])) return Error{ErrorCode::kNumeric, "logits", "NaN"};
      if (logits[token] > logits[best]) best = token;
    }
    piece_ = std::string(1, static_cast<char>('0' + best));
    return SampledToken{best, best == kEnd, piece_, std::nullopt};
  }

 private:
  std::string piece_;
};

class GreedyFactory : public SamplerFactory {
 public:
  Result<std::unique_ptr<TokenSampler>> Create(const Request&, const PreparedPrompt&) override {
    return std::unique_ptr<TokenSampler>(std::make_unique<GreedySampler>());
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
    return prepared;
  }
  Result<RenderedPrompt> Render(const std::vector<Message>&, bool) override {
    return RenderedPrompt{};
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
  void Post(std::function<void()> task) override { task(); }
};

struct LoopOptions {
  std::int32_t queue_limit = 64;
  std::int32_t queue_wait_ms = 0;
  std::int32_t busy_chunk = 4;
  std::int32_t idle_chunk = 8;
};

inline std::unique_ptr<LocalEngine> MakeEngine(const FakeModel& model,
                                               const LoopOptions& options = {}) {
  EngineParts parts;
  parts.decoder = std::make_unique<FakeDecoder>(model);
  parts.samplers = std::make_shared<GreedyFactory>();
  parts.prompts = std::make_shared<FakePrompts>(model.keep);
  parts.preparation = std::make_unique<InlinePool>();
  parts.info.num_vocab = kVocab;
  parts.info.context_size = model.context_size;
  WorkerConfig worker;
  worker.scheduler.busy_chunk = options.busy_chunk;
  worker.scheduler.idle_chunk = options.idle_chunk;
  worker.queue_wait_ms = options.queue_wait_ms;
  return std::make_unique<LocalEngine>(std::move(parts), worker, options.queue_limit);
}

inline Request TokenRequest(std::vector<Token> tokens, std::int32_t max_tokens) {
  Request request;
  request.prompt.tokens = std::move(tokens);
  request.max_tokens = max_tokens;
  return request;
}

// `size` tokens that neither end, nor poison, nor give NaN.
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
  ContextReport context;
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
      outcome.context = event.context;
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
