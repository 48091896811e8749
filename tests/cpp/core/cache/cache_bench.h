// SPDX-License-Identifier: AGPL-3.0-only
// Tools for tests of the prefix cache.
#pragma once

#include <list>
#include <random>

#include "check.h"
#include "core/cache/prefix_cache.h"
#include "fake_decoder.h"

namespace sentiric::testing {

using Tokens = std::vector<Token>;

// A cache over a toy decoder, and sequences that evaluate their prompt on request.
class Bench {
 public:
  struct Running {
    std::string scope;
    Tokens tokens;
    std::int32_t prompt_size;
    RequestId owner;
    std::int32_t opening;
    ContextLease lease;
    bool has_begun = false;
    std::int32_t evaluated = 0;
    PrefixRequest Request() const { return {scope, tokens, prompt_size, owner, opening}; }
  };

  explicit Bench(const FakeModel& model, const PrefixCacheConfig& config = {},
                 std::unique_ptr<DiskTier> disk = nullptr)
      : decoder(model),
        pool(decoder.traits().sequences, model.contexts),
        cache(&decoder, &pool, config, std::move(disk)) {}

  // opening: negative = all tokens.
  Running* Start(const Tokens& tokens, const std::string& scope = "", std::int32_t opening = -1) {
    const auto size = static_cast<std::int32_t>(tokens.size());
    const PrefixRequest request{scope, tokens, size, next_owner, opening < 0 ? size : opening};
    std::optional<ContextLease> lease = cache.Lease(request);
    if (!lease) return nullptr;
    running.push_back({scope, tokens, size, next_owner++, request.opening, std::move(*lease)});
    return &running.back();
  }
  // The result of PrefixCache::Begin.
  Beginning Begin(Running* sequence) {
    const Beginning begun = cache.Begin(sequence->lease.seq(), sequence->Request());
    sequence->has_begun = !begun.waits;
    sequence->evaluated = begun.length;
    return begun;
  }
  void Evaluate(Running* sequence, std::int32_t count) {
    Batch batch;
    const SeqId seq = sequence->lease.seq();
    for (std::int32_t i = 0; i < count; ++i, ++sequence->evaluated) {
      const Token token = sequence->tokens.at(static_cast<std::size_t>(sequence->evaluated));
      batch.push_back({seq, sequence->evaluated, token, false});
    }
    decoder.Decode(batch, nullptr);
    cache.OnEvaluated(seq, sequence->evaluated);
  }
  void Finish(Running* sequence) {
    cache.Release(sequence->lease.seq(), sequence->tokens, sequence->evaluated,
                  sequence->prompt_size);
    running.remove_if([&](const Running& other) { return &other == sequence; });
  }
  // Runs a sequence from Start to Finish; returns the attached length.
  std::int32_t Complete(const Tokens& tokens, const std::string& scope = "",
                        std::int32_t opening = -1) {
    Running* sequence = Start(tokens, scope, opening);
    const std::int32_t attached = Begin(sequence).length;
    Evaluate(sequence, static_cast<std::int32_t>(tokens.size()) - attached);
    Finish(sequence);
    return attached;
  }

  FakeDecoder decoder;
  ContextPool pool;
  PrefixCache cache;
  std::list<Running> running;
  RequestId next_owner = 1;
};

inline Tokens Range(Token from, Token to) {
  Tokens tokens;
  for (Token token = from; token < to; ++token) tokens.push_back(token);
  return tokens;
}

inline Tokens operator+(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline FakeModel Model(std::int32_t contexts) {
  FakeModel model;
  model.contexts = contexts;
  model.context_size = 256;
  return model;
}

inline PrefixCacheConfig WithHost(std::uint64_t bytes) {
  PrefixCacheConfig config;
  config.min_copy = 4;
  config.host_bytes = bytes;
  return config;
}

inline const Tokens kHead = Range(3, 43);  // forty tokens

// 25 000 operations in the given mode; after each the cache is sound and every sequence that has
// begun holds exactly the cells of its own tokens.
inline void TestRandomOperations(const FakeModel& model, const PrefixCacheConfig& config,
                                 std::uint32_t seed, std::unique_ptr<DiskTier> disk = nullptr) {
  Bench bench(model, config, std::move(disk));
  std::mt19937 random(seed);
  for (int step = 0; step < 25000; ++step) {
    const std::size_t num_running = bench.running.size();
    auto chosen = bench.running.begin();
    if (num_running > 0) std::advance(chosen, random() % num_running);
    switch (num_running == 0 ? 0 : random() % 6) {
      case 0: {
        Tokens tokens = Range(3, 3 + static_cast<Token>(random() % 3));
        for (auto n = random() % 40; n > 0; --n) tokens.push_back(3 + (random() % 8 == 0));
        tokens.push_back(5);
        tokens.push_back(6);
        const auto opening = static_cast<std::int32_t>(random() % (tokens.size() + 1));
        bench.Start(tokens, random() % 4 == 0 ? "other" : "", opening);
        break;
      }
      case 1: bench.Finish(&*chosen); break;
      case 2:
        bench.cache.Discard(chosen->lease.seq());
        bench.running.erase(chosen);
        break;
      case 3: bench.cache.EvictOne(); break;
      default: {
        if (!chosen->has_begun && bench.Begin(&*chosen).waits) break;
        const auto left = static_cast<std::int32_t>(chosen->tokens.size()) - chosen->evaluated;
        if (left > 0) bench.Evaluate(&*chosen, 1 + static_cast<std::int32_t>(random()) % left);
      }
    }
    ASSERT(bench.cache.CheckIntegrity());
    for (const Bench::Running& sequence : bench.running) {
      const Tokens held = bench.decoder.TokensOf(sequence.lease.seq());
      if (!sequence.has_begun) continue;
      ASSERT(static_cast<std::int32_t>(held.size()) == sequence.evaluated);
      ASSERT(std::equal(held.begin(), held.end(), sequence.tokens.begin()));
    }
  }
  EXPECT(bench.cache.stats().hits > 0);
}

}  // namespace sentiric::testing
