// SPDX-License-Identifier: AGPL-3.0-only
#include "core/prefix_cache.h"

#include <list>
#include <random>

#include "check.h"
#include "fake_decoder.h"

using namespace sentiric;
using testing::FakeDecoder;
using testing::FakeModel;

namespace {

using Tokens = std::vector<Token>;

// A cache over a toy decoder, and sequences that evaluate their prompt when they are told to.
class Bench {
 public:
  struct Running {
    std::string scope;
    Tokens tokens;
    std::int32_t prompt_size;
    RequestId owner;
    ContextLease lease;
    bool has_begun = false;
    std::int32_t evaluated = 0;
    PrefixWant Want() const { return {scope, tokens, prompt_size, owner}; }
  };

  explicit Bench(const FakeModel& model, const PrefixCacheConfig& config = {})
      : decoder(model),
        pool(decoder.traits().sequences, model.contexts),
        cache(&decoder, &pool, config) {}

  Running* Start(const Tokens& tokens, const std::string& scope = "") {
    const PrefixWant want{scope, tokens, static_cast<std::int32_t>(tokens.size()), next_owner};
    std::optional<ContextLease> lease = cache.Lease(want);
    if (!lease) return nullptr;
    running.push_back({scope, tokens, want.prompt_size, next_owner++, std::move(*lease)});
    return &running.back();
  }
  // What Begin said.
  Beginning Begin(Running* sequence) {
    const Beginning begun = cache.Begin(sequence->lease.seq(), sequence->Want());
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
  // From Start to Finish; what was attached.
  std::int32_t Complete(const Tokens& tokens, const std::string& scope = "") {
    Running* sequence = Start(tokens, scope);
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

Tokens Range(Token from, Token to) {
  Tokens tokens;
  for (Token token = from; token < to; ++token) tokens.push_back(token);
  return tokens;
}

Tokens operator+(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

FakeModel Model(std::int32_t contexts) {
  FakeModel model;
  model.contexts = contexts;
  model.context_size = 256;
  return model;
}

PrefixCacheConfig WithHost(std::uint64_t bytes) {
  PrefixCacheConfig config;
  config.min_copy = 4;
  config.host_bytes = bytes;
  return config;
}

const Tokens kHead = Range(3, 43);  // forty tokens

}  // namespace

TEST(PrefixCache, AConversationGoesOnInPlace) {
  Bench bench(Model(2));
  bench.Complete(kHead);
  EXPECT_EQ(bench.Complete(kHead + Range(50, 60)), 40);
  EXPECT_EQ(bench.cache.stats().copies, 0u);
  EXPECT_EQ(bench.cache.stats().hits, 1u);
}

TEST(PrefixCache, ThePromptIsNeverAttachedWhole) {
  Bench split(Model(2));
  split.Complete(kHead);
  EXPECT_EQ(split.Complete(kHead), 38);  // a chunk of two tokens is left
  FakeModel model = Model(2);
  model.mixes_rows = model.shares_cells = true;
  Bench unified(model);
  unified.Complete(kHead);
  EXPECT_EQ(unified.Complete(kHead), 39);
}

TEST(PrefixCache, ARunningSequenceIsSharedAndWaitedFor) {
  Bench bench(Model(3));
  Bench::Running* first = bench.Start(kHead + Range(50, 60));
  EXPECT(!bench.Begin(first).waits);
  Bench::Running* second = bench.Start(kHead + Range(70, 80));
  EXPECT(bench.Begin(second).waits);
  bench.Evaluate(first, 30);
  EXPECT(bench.Begin(second).waits);
  bench.Evaluate(first, 12);
  const Beginning begun = bench.Begin(second);
  EXPECT(!begun.waits);
  EXPECT_EQ(begun.length, 40);
  EXPECT(bench.decoder.TokensOf(second->lease.seq()) == kHead);
}

TEST(PrefixCache, WhoWaitsForOneThatFailsBeginsAlone) {
  Bench bench(Model(3));
  Bench::Running* first = bench.Start(kHead + Range(50, 60));
  bench.Begin(first);
  Bench::Running* second = bench.Start(kHead + Range(70, 80));
  Bench::Running* third = bench.Start(kHead + Range(90, 95));
  EXPECT(bench.Begin(second).waits);
  EXPECT(bench.Begin(third).waits);
  bench.cache.Discard(first->lease.seq());
  bench.running.pop_front();
  EXPECT(!bench.Begin(second).waits);
  EXPECT(bench.Begin(third).waits);  // now for the second
  EXPECT(bench.cache.CheckIntegrity());
}

TEST(PrefixCache, AnAbortedPrefillIsWorthWhatItComputed) {
  Bench bench(Model(2));
  Bench::Running* first = bench.Start(kHead);
  bench.Begin(first);
  bench.Evaluate(first, 20);
  bench.Finish(first);
  EXPECT_EQ(bench.Complete(kHead), 20);
}

TEST(PrefixCache, ShortPrefixesAreNotWorthACopy) {
  Bench bench(Model(2));
  Bench::Running* first = bench.Start(Range(3, 13) + Range(50, 60));
  bench.Begin(first);
  bench.Evaluate(first, 20);
  EXPECT_EQ(bench.Complete(Range(3, 13) + Range(70, 80)), 0);
}

TEST(PrefixCache, TheLeastRecentlyUsedRestsInHostMemory) {
  Bench bench(Model(2), WithHost(1 << 20));
  const Tokens a = Range(3, 30), b = Range(30, 60), c = Range(60, 64) + Range(3, 30);
  bench.Complete(a);
  bench.Complete(b);
  bench.Complete(c);  // takes the place of a
  EXPECT_EQ(bench.cache.stats().evictions, 1u);
  EXPECT_EQ(bench.cache.stats().host_saves, 1u);
  EXPECT_EQ(bench.Complete(a + b), 27);
  EXPECT_EQ(bench.cache.stats().host_hits, 1u);
  EXPECT_EQ(bench.Complete(c + b), 31);
}

TEST(PrefixCache, AStoredStateIsNotConsumed) {
  Bench bench(Model(1), WithHost(1 << 20));
  bench.Complete(kHead);
  for (Token tail = 50; tail < 55; ++tail) {
    bench.Complete(Range(60, 64) + Range(tail, 60));  // evicts whatever rests
    EXPECT_EQ(bench.Complete(kHead + Tokens{tail, tail}), 40);
  }
}

TEST(PrefixCache, LaterTurnsReplaceEarlierOnesInTheStore) {
  Bench bench(Model(1), WithHost(1 << 20));
  Tokens talk = kHead;
  std::uint64_t bytes = 0;
  for (int turn = 0; turn < 5; ++turn) {
    bench.Complete(talk);
    bench.Complete(Range(60, 64) + Range(40, 60));
    talk = talk + Range(50, 56);
    bytes = bench.cache.stats().host_bytes;
  }
  EXPECT(bytes <= (40 + 4 * 6 + 24) * 16);
}

TEST(PrefixCache, TheStoreKeepsItsBound) {
  Bench bench(Model(1), WithHost(1200));
  for (Token head = 3; head < 60; ++head) {
    bench.Complete(Tokens{head} + Range(3, 40));
    EXPECT(bench.cache.stats().host_bytes <= 1200);
  }
  EXPECT(bench.cache.stats().host_drops > 0);
}

TEST(PrefixCache, ScopesShareNothing) {
  Bench bench(Model(2), WithHost(1 << 20));
  bench.Complete(kHead, "tenant a");
  EXPECT_EQ(bench.Complete(kHead + Range(50, 60), "tenant b"), 0);
  EXPECT_EQ(bench.Complete(kHead + Range(50, 60), "tenant a"), 40);
}

TEST(PrefixCache, WhatAShiftMovedIsNotShared) {
  Bench bench(Model(2));
  Bench::Running* first = bench.Start(kHead);
  bench.Begin(first);
  bench.Evaluate(first, 40);
  bench.decoder.Shift(first->lease.seq(), 20, 10);
  bench.cache.OnShifted(first->lease.seq(), 20);
  first->tokens.erase(first->tokens.begin() + 20, first->tokens.begin() + 30);
  first->evaluated = 30;
  bench.Finish(first);
  EXPECT_EQ(bench.Complete(kHead), 20);
}

TEST(PrefixCache, StatesThatCannotBeCutAreSharedWhole) {
  FakeModel model = Model(2);
  model.can_cut = false;
  Bench bench(model);
  bench.Complete(kHead);
  EXPECT_EQ(bench.Complete(Range(3, 33) + Range(50, 60)), 0);
  EXPECT_EQ(bench.Complete(kHead + Range(50, 60)), 40);
}

TEST(PrefixCache, ExactModeSharesPromptsOnly) {
  PrefixCacheConfig config;
  config.is_exact = true;
  Bench bench(Model(2), config);
  Bench::Running* first = bench.Start(kHead);
  bench.Begin(first);
  first->tokens = kHead + Range(50, 60);  // ten generated tokens
  bench.Evaluate(first, 50);
  bench.Finish(first);
  EXPECT_EQ(bench.Complete(kHead + Range(50, 63)), 40);
}

TEST(PrefixCache, OffSharesNothing) {
  PrefixCacheConfig config;
  config.is_enabled = false;
  Bench bench(Model(2), config);
  bench.Complete(kHead);
  EXPECT_EQ(bench.Complete(kHead), 0);
  EXPECT(bench.cache.CheckIntegrity());
}

namespace {

// 25 000 operations in the given mode; after each the books balance and every sequence that began
// holds exactly the cells of its own tokens.
void TestRandomOperations(const FakeModel& model, const PrefixCacheConfig& config,
                          std::uint32_t seed) {
  Bench bench(model, config);
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
        bench.Start(tokens, random() % 4 == 0 ? "other" : "");
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

}  // namespace

TEST(PrefixCache, RandomOperationsOnAStreamForEachSequence) {
  TestRandomOperations(Model(5), WithHost(2400), 1);
}

TEST(PrefixCache, RandomOperationsOnSharedCells) {
  FakeModel model = Model(4);
  model.sequences = 9;
  model.shares_cells = model.mixes_rows = true;
  TestRandomOperations(model, WithHost(2400), 2);
}

TEST(PrefixCache, RandomOperationsInExactMode) {
  PrefixCacheConfig config = WithHost(1600);
  config.is_exact = true;
  TestRandomOperations(Model(5), config, 3);
}

TEST(PrefixCache, RandomOperationsOnStatesThatCannotBeCut) {
  FakeModel model = Model(5);
  model.can_cut = false;
  TestRandomOperations(model, WithHost(2400), 4);
}
