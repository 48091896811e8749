// SPDX-License-Identifier: AGPL-3.0-only
#include "cache_bench.h"

using namespace sentiric;
using namespace sentiric::testing;

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
    bench.Complete(Range(60, 64) + Range(tail, 60));  // evicts whatever is cached
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
