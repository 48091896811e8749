// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/row_pool.h"

#include <atomic>
#include <set>

#include "check.h"

using sentiric::sampling::RowPool;

namespace {

constexpr std::size_t kBig = RowPool::kLogitsPerThread;

}  // namespace

TEST(RowPool, EachJobRunsOnce) {
  RowPool pool(3);
  for (std::size_t round = 0; round < 300; ++round) {
    const std::size_t count = round % 9;
    std::vector<int> runs(count, 0);  // each is written by one thread, and read after the join
    pool.Run(count, kBig, [&](std::size_t i) { ++runs[i]; });
    EXPECT(runs == std::vector<int>(count, 1));
  }
  EXPECT_EQ(pool.num_helpers(), std::size_t{3});
}

TEST(RowPool, CheapRowsAndSingleCoresStayOnTheCallersThread) {
  std::set<std::thread::id> threads;
  const auto job = [&](std::size_t) { threads.insert(std::this_thread::get_id()); };
  RowPool idle(3);
  idle.Run(1, 8 * kBig, job);
  idle.Run(16, kBig / 16, job);
  RowPool alone(0);
  alone.Run(16, kBig, job);
  EXPECT(threads == std::set<std::thread::id>{std::this_thread::get_id()});
  EXPECT_EQ(idle.num_helpers() + alone.num_helpers(), std::size_t{0});
}

TEST(RowPool, NoMoreHelpersThanTheWorkIsWorth) {
  RowPool pool(8);
  pool.Run(16, kBig / 8, [](std::size_t) {});
  EXPECT_EQ(pool.num_helpers(), std::size_t{1});
}
