// SPDX-License-Identifier: AGPL-3.0-only
// Which prefixes the cache writes to disk, and which never.
#include "cache_bench.h"
#include "host/disk_store.h"
#include "temp_folder.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

std::unique_ptr<DiskStore> DiskIn(const TempFolder& folder, std::uint64_t bytes = 1 << 20) {
  return std::make_unique<DiskStore>(DiskConfig{folder.path() + "/states", bytes, "model"});
}

Bench BenchWith(const TempFolder& folder, std::int32_t contexts, std::uint64_t host_bytes = 0) {
  return Bench(Model(contexts), WithHost(host_bytes), DiskIn(folder));
}

// The tokens of all files.
std::vector<Tokens> OnDisk(const TempFolder& folder) {
  const auto store = DiskIn(folder);
  std::vector<Tokens> found;
  for (const HolderId id : store->holders()) found.push_back(store->Peek(id)->tokens);
  return found;
}

}  // namespace

TEST(DiskTier, WhatTwoConversationsBeginWithOutlivesTheProcess) {
  const TempFolder folder;
  {
    Bench bench = BenchWith(folder, 2);
    bench.Complete(kHead + Range(50, 60));
    bench.Complete(kHead + Range(45, 60));
    bench.cache.Close();
    EXPECT_EQ(bench.cache.stats().disk_saves, 1u);
  }
  EXPECT(OnDisk(folder) == std::vector<Tokens>({kHead}));
  Bench bench = BenchWith(folder, 2);
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63)), 40);
  EXPECT_EQ(bench.cache.stats().disk_hits, 1u);
  EXPECT_EQ(bench.Complete(kHead + Range(48, 63)), 40);  // from its cells
  EXPECT_EQ(bench.cache.stats().disk_hits, 1u);
  bench.cache.Close();
  EXPECT_EQ(bench.cache.stats().disk_saves, 0u);  // already on disk
  EXPECT(bench.cache.CheckIntegrity());
}

TEST(DiskTier, OneConversationNeverGoesToDisk) {
  const TempFolder folder;
  Bench bench = BenchWith(folder, 2);
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

TEST(DiskTier, OpeningsThatAreEqualAreOneConversation) {
  const TempFolder folder;
  Bench bench = BenchWith(folder, 3);
  bench.Complete(kHead);
  bench.Complete(kHead);
  bench.Complete(Range(3, 33));  // a prompt that is only shorter proves nothing
  bench.Complete(kHead + Range(50, 60));
  bench.cache.Close();
  EXPECT_EQ(folder.States().size(), 0u);
}

TEST(DiskTier, OnlyTheCommonPartOfOpeningsIsWritten) {
  const TempFolder folder;
  Bench bench = BenchWith(folder, 2);
  // Twenty tokens of a system prompt, two users, and answers that happen to be the same.
  bench.Complete(Range(3, 23) + Range(50, 60) + Range(30, 40), "", 30);
  bench.Complete(Range(3, 23) + Range(40, 50) + Range(30, 40), "", 30);
  bench.cache.Close();
  EXPECT(OnDisk(folder) == std::vector<Tokens>({Range(3, 23)}));
}

TEST(DiskTier, WhatLeavesTheCellsGoesToDiskOnce) {
  const TempFolder folder;
  Bench bench = BenchWith(folder, 2, 1 << 20);
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

TEST(DiskTier, ScopesOnDiskShareNothing) {
  const TempFolder folder;
  {
    Bench bench = BenchWith(folder, 2);
    bench.Complete(kHead + Range(50, 60), "a");
    bench.Complete(kHead + Range(45, 60), "b");  // alone in its scope
    bench.Complete(kHead + Range(46, 60), "a");
    bench.cache.Close();
  }
  Bench bench = BenchWith(folder, 2);
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63), "b"), 0);
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63), "a"), 40);
}

TEST(DiskTier, AFileThatWasDamagedIsComputedAgain) {
  const TempFolder folder;
  {
    Bench bench = BenchWith(folder, 2);
    bench.Complete(kHead + Range(50, 60));
    bench.Complete(kHead + Range(45, 60));
    bench.cache.Close();
  }
  Bench bench = BenchWith(folder, 2);
  std::filesystem::resize_file(folder.States().at(0), 300);
  EXPECT_EQ(bench.Complete(kHead + Range(55, 63)), 0);
  EXPECT_EQ(bench.cache.stats().disk_hits, 0u);
  EXPECT_EQ(bench.cache.stats().disk_failures, 1u);
  EXPECT(bench.cache.CheckIntegrity());
}

TEST(DiskTier, RandomOperationsWithADisk) {
  const TempFolder folder;
  const PrefixCacheConfig config = WithHost(1600);
  TestRandomOperations(Model(5), config, 5, DiskIn(folder, 5000));
  TestRandomOperations(Model(5), config, 6,
                       DiskIn(folder, 5000));  // begins with what the first one left
  FakeModel model = Model(4);
  model.sequences = 9;
  model.shares_cells = model.mixes_rows = true;
  TestRandomOperations(model, config, 7, DiskIn(folder, 5000));
}
