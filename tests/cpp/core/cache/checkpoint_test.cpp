// SPDX-License-Identifier: AGPL-3.0-only
// States that cannot be cut, or not at every position.
#include "cache_bench.h"

using namespace sentiric;
using namespace sentiric::testing;

TEST(Checkpoint, StatesThatCannotBeCutAreSharedWhole) {
  FakeModel model = Model(2);
  model.can_cut = false;
  Bench bench(model);
  bench.Complete(kHead);
  EXPECT_EQ(bench.Complete(Range(3, 33) + Range(50, 60)), 0);
  EXPECT_EQ(bench.Complete(kHead + Range(50, 60)), 40);
}

namespace {

// Evaluates in chunks that end at the stops of the cache.
void EvaluateInChunks(Bench* bench, Bench::Running* sequence) {
  const auto size = static_cast<std::int32_t>(sequence->tokens.size());
  while (sequence->evaluated < size) {
    const std::int32_t stop = bench->cache.NextStop(sequence->lease.seq());
    bench->Evaluate(sequence, (stop > 0 ? stop : size) - sequence->evaluated);
  }
}

std::int32_t CompleteInChunks(Bench* bench, const Tokens& tokens) {
  Bench::Running* sequence = bench->Start(tokens);
  const std::int32_t attached = bench->Begin(sequence).length;
  EvaluateInChunks(bench, sequence);
  bench->Finish(sequence);
  return attached;
}

}  // namespace

TEST(Checkpoint, CheckpointsOfStatesThatCannotBeCut) {
  FakeModel model = Model(2);
  model.can_cut = false;
  Bench bench(model, WithHost(1 << 20));
  EXPECT_EQ(CompleteInChunks(&bench, kHead + Range(50, 63)), 0);
  EXPECT_EQ(bench.cache.stats().checkpoints, 1u);                  // eight tokens before the end
  EXPECT_EQ(CompleteInChunks(&bench, kHead + Range(50, 63)), 45);  // the same again
  EXPECT_EQ(CompleteInChunks(&bench, kHead + Range(45, 58)), 0);   // kept where it diverges
  EXPECT_EQ(CompleteInChunks(&bench, kHead + Range(48, 61)), 40);  // and found there
  EXPECT_EQ(CompleteInChunks(&bench, kHead + Range(53, 63)), 40);
  EXPECT(bench.cache.CheckIntegrity());
}

TEST(Checkpoint, ACheckpointStandsAtTheEndOfTheSystemPrompt) {
  FakeModel model = Model(3);
  model.can_cut = false;
  Bench bench(model, WithHost(1 << 20));
  const Tokens a = kHead + Range(50, 63), b = kHead + Range(45, 63);
  const PrefixRequest request{"", a, 53, 1, 53, 40};
  const ContextLease lease = std::move(*bench.cache.Lease(request));
  EXPECT(!bench.cache.Begin(lease.seq(), request).waits);
  EXPECT_EQ(bench.cache.NextStop(lease.seq()), 40);
  // A sequence with this prefix waits for the checkpoint, but no longer.
  Bench::Running* other = bench.Start(b);
  EXPECT(bench.Begin(other).waits);
  Batch rows;
  for (std::int32_t i = 0; i < 40; ++i)
    rows.push_back({lease.seq(), i, a[static_cast<std::size_t>(i)], false});
  bench.decoder.Decode(rows, nullptr);
  for (std::int32_t i = 1; i <= 40; ++i) bench.cache.OnEvaluated(lease.seq(), i);
  EXPECT_EQ(bench.cache.stats().checkpoints, 1u);
  EXPECT_EQ(bench.Begin(other).length, 40);
  EXPECT(bench.decoder.TokensOf(other->lease.seq()) == kHead);
  bench.cache.Discard(lease.seq());
}

TEST(Checkpoint, CheckpointsGrowApart) {
  FakeModel model = Model(1);
  model.can_cut = false;
  model.context_size = 9000;
  Bench bench(model, WithHost(1 << 24));
  Tokens tokens;
  for (int i = 0; i < 8000; ++i) tokens.push_back(3 + (i * i + i / 61) % 60);
  Bench::Running* sequence = bench.Start(tokens);
  bench.Begin(sequence);
  while (sequence->evaluated < 8000) bench.Evaluate(sequence, 100);
  EXPECT_EQ(bench.cache.stats().checkpoints, 5u);  // at 300, 600, 1200, 2400, 4800
  bench.Finish(sequence);
  tokens.resize(3000);
  EXPECT_EQ(bench.Complete(tokens + Range(3, 9)), 2400);
}

TEST(Checkpoint, CheckpointsKeepTheBoundOfHostMemory) {
  FakeModel model = Model(2);
  model.can_cut = false;
  Bench bench(model, WithHost(2000));
  for (Token user = 45; user < 60; ++user) {
    CompleteInChunks(&bench, Range(60 - user % 3, 63) + kHead + Range(user, 63));
    EXPECT(bench.cache.stats().host_bytes <= 2000);
    EXPECT(bench.cache.CheckIntegrity());
  }
  EXPECT(bench.cache.stats().host_drops > 0);
  Bench none(model);  // without host memory: no checkpoints
  CompleteInChunks(&none, kHead + Range(50, 63));
  EXPECT_EQ(none.cache.stats().checkpoints, 0u);
}

TEST(Checkpoint, ASlidingWindowIsCutNoFurtherThanItsCellsReach) {
  FakeModel model = Model(2);
  model.window = 20;
  Bench bench(model);
  bench.Complete(kHead + Range(50, 63));
  EXPECT_EQ(bench.Complete(kHead + Range(45, 58)), 40);        // 13 behind
  EXPECT_EQ(bench.Complete(Range(3, 30) + Range(45, 58)), 0);  // 26 behind: gone
  EXPECT(bench.cache.CheckIntegrity());
}

TEST(Checkpoint, RandomOperationsOnASlidingWindow) {
  FakeModel model = Model(5);
  model.window = 6;
  TestRandomOperations(model, WithHost(2400), 8);
  model.sequences = 9;
  model.shares_cells = model.mixes_rows = true;
  TestRandomOperations(model, WithHost(2400), 9);
}
