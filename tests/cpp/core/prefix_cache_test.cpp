// SPDX-License-Identifier: AGPL-3.0-only
#include "core/prefix_cache.h"

#include <list>
#include <random>

#include "check.h"
#include "fake_decoder.h"
#include "temp_folder.h"

using namespace sentiric;
using testing::FakeDecoder;
using testing::FakeModel;
using testing::TempFolder;

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
    std::int32_t opening;
    ContextLease lease;
    bool has_begun = false;
    std::int32_t evaluated = 0;
    PrefixWant Want() const { return {scope, tokens, prompt_size, owner, opening}; }
  };

  explicit Bench(const FakeModel& model, const PrefixCacheConfig& config = {})
      : decoder(model),
        pool(decoder.traits().sequences, model.contexts),
        cache(&decoder, &pool, config) {}

  // opening: of all tokens when it is negative.
  Running* Start(const Tokens& tokens, const std::string& scope = "", std::int32_t opening = -1) {
    const auto size = static_cast<std::int32_t>(tokens.size());
    const PrefixWant want{scope, tokens, size, next_owner, opening < 0 ? size : opening};
    std::optional<ContextLease> lease = cache.Lease(want);
    if (!lease) return nullptr;
    running.push_back({scope, tokens, size, next_owner++, want.opening, std::move(*lease)});
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

PrefixCacheConfig WithDisk(const TempFolder& folder, std::uint64_t bytes = 1 << 20) {
  PrefixCacheConfig config;
  config.min_copy = 4;
  config.disk.folder = folder.path() + "/states";
  config.disk.max_bytes = bytes;
  config.disk.fingerprint = "model";
  return config;
}

// All tokens that are in files.
std::vector<Tokens> OnDisk(const TempFolder& folder) {
  DiskStore store(WithDisk(folder).disk, 0);
  std::vector<Tokens> found;
  for (const HolderId id : store.holders()) found.push_back(store.Peek(id)->tokens);
  return found;
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

TEST(PrefixCache, WhatTwoConversationsBeginWithOutlivesTheProcess) {
  const TempFolder folder;
  {
    Bench bench(Model(2), WithDisk(folder));
    bench.Complete(kHead + Range(50, 60));
    bench.Complete(kHead + Range(45, 60));
    bench.cache.Close();
    EXPECT_EQ(bench.cache.stats().disk_saves, 1u);
  }
  EXPECT(OnDisk(folder) == std::vector<Tokens>({kHead}));
  Bench bench(Model(2), WithDisk(folder));
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63)), 40);
  EXPECT_EQ(bench.cache.stats().disk_hits, 1u);
  EXPECT_EQ(bench.Complete(kHead + Range(48, 63)), 40);  // from its cells
  EXPECT_EQ(bench.cache.stats().disk_hits, 1u);
  bench.cache.Close();
  EXPECT_EQ(bench.cache.stats().disk_saves, 0u);  // it is there
  EXPECT(bench.cache.CheckIntegrity());
}

TEST(PrefixCache, OneConversationNeverGoesToDisk) {
  const TempFolder folder;
  Bench bench(Model(2), WithDisk(folder));
  Tokens talk = kHead;
  for (int turn = 0; turn < 5; ++turn) {
    bench.Complete(talk, "", 40);
    bench.Complete(talk + Range(50, 55), "", 40);  // the answer is asked for again
    bench.Complete(talk + Range(55, 60), "", 40);  // and again
    talk = talk + Range(55, 60) + Range(5, 9);
  }
  bench.cache.Close();
  EXPECT_EQ(folder.States().size(), 0u);
}

TEST(PrefixCache, OpeningsThatAreEqualAreOneConversation) {
  const TempFolder folder;
  Bench bench(Model(3), WithDisk(folder));
  bench.Complete(kHead);
  bench.Complete(kHead);
  bench.Complete(Range(3, 33));  // a prompt that ended tells nothing
  bench.Complete(kHead + Range(50, 60));
  bench.cache.Close();
  EXPECT_EQ(folder.States().size(), 0u);
}

TEST(PrefixCache, OnlyTheCommonPartOfOpeningsIsWritten) {
  const TempFolder folder;
  Bench bench(Model(2), WithDisk(folder));
  // Twenty tokens of a system prompt, two users, and answers that happen to be the same.
  bench.Complete(Range(3, 23) + Range(50, 60) + Range(30, 40), "", 30);
  bench.Complete(Range(3, 23) + Range(40, 50) + Range(30, 40), "", 30);
  bench.cache.Close();
  EXPECT(OnDisk(folder) == std::vector<Tokens>({Range(3, 23)}));
}

TEST(PrefixCache, WhatLeavesTheCellsGoesToDiskOnce) {
  const TempFolder folder;
  PrefixCacheConfig config = WithDisk(folder);
  config.host_bytes = 1 << 20;
  Bench bench(Model(2), config);
  std::vector<Tokens> heads = {kHead, Range(50, 63) + kHead, Range(60, 63) + kHead};
  for (Token user = 45; user < 60; ++user) {
    for (const Tokens& head : heads) bench.Complete(head + Tokens{user, 44, user});
  }
  EXPECT(bench.cache.stats().evictions > 10);
  EXPECT(bench.cache.stats().disk_saves >= 2);  // before it is closed
  bench.cache.Close();
  EXPECT_EQ(bench.cache.stats().disk_saves, 3u);
  std::vector<Tokens> found = OnDisk(folder);
  std::sort(found.begin(), found.end());
  std::sort(heads.begin(), heads.end());
  EXPECT(found == heads);
}

TEST(PrefixCache, ScopesOnDiskShareNothing) {
  const TempFolder folder;
  {
    Bench bench(Model(2), WithDisk(folder));
    bench.Complete(kHead + Range(50, 60), "a");
    bench.Complete(kHead + Range(45, 60), "b");  // alone in its scope
    bench.Complete(kHead + Range(46, 60), "a");
    bench.cache.Close();
  }
  Bench bench(Model(2), WithDisk(folder));
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63), "b"), 0);
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63), "a"), 40);
}

TEST(PrefixCache, AFileThatWasDamagedIsComputedAgain) {
  const TempFolder folder;
  {
    Bench bench(Model(2), WithDisk(folder));
    bench.Complete(kHead + Range(50, 60));
    bench.Complete(kHead + Range(45, 60));
    bench.cache.Close();
  }
  Bench bench(Model(2), WithDisk(folder));
  std::filesystem::resize_file(folder.States().at(0), 300);
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63)), 0);
  EXPECT_EQ(bench.cache.stats().disk_hits, 0u);
  EXPECT_EQ(bench.cache.stats().disk_failures, 1u);
  EXPECT(bench.cache.CheckIntegrity());
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

TEST(PrefixCache, RandomOperationsWithADisk) {
  const TempFolder folder;
  PrefixCacheConfig config = WithDisk(folder, 5000);
  config.host_bytes = 1600;
  TestRandomOperations(Model(5), config, 5);
  TestRandomOperations(Model(5), config, 6);  // begins with what the first one left
  FakeModel model = Model(4);
  model.sequences = 9;
  model.shares_cells = model.mixes_rows = true;
  TestRandomOperations(model, config, 7);
}
