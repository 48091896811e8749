// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/deep_stack.h"

#ifdef __linux__
#include <sys/resource.h>
#endif

#include <algorithm>
#include <atomic>
#include <future>
#include <new>
#include <stdexcept>
#include <vector>

#include "check.h"

namespace sentiric::backend {
namespace {

// Recursion the optimiser cannot turn into a loop: about 1 KB of stack for each level.
int Descend(int levels) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(levels);
  return levels == 0 ? 0 : Descend(levels - 1) + (frame[0] != 0 ? 1 : 1);
}

TEST(DeepStackPool, HoldsDeepRecursion) {
  const auto owner = DeepStackPool::Create(1);
  ASSERT(owner.ok());
  DeepStackPool& pool = **owner;
  int depth = 0;
  EXPECT(!pool.Run([&] { depth = Descend(100000); }));
  EXPECT_EQ(depth, 100000);
}

TEST(DeepStackPool, RunsInOrderAndFinishesWhatWasPosted) {
  std::vector<int> order;
  {
    const auto owner = DeepStackPool::Create(1);
    ASSERT(owner.ok());
    DeepStackPool& pool = **owner;
    for (int i = 0; i < 100; ++i) pool.Post([&order, i] { order.push_back(i); });
  }
  ASSERT(order.size() == 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(DeepStackPool, SmallJobsPassLargeOnesAndNoneWaitsForEver) {
  std::vector<int> order;
  std::promise<void> all_posted;
  std::function<void(int)> follow;
  {
    const auto owner = DeepStackPool::Create(1);
    ASSERT(owner.ok());
    DeepStackPool& pool = **owner;
    pool.Post([&all_posted] { all_posted.get_future().wait(); });
    const auto post = [&](int name, std::size_t size) {
      pool.Post([&order, name] { order.push_back(name); }, size);
    };
    for (int large = 0; large < 16; ++large) post(large, 1'000'000);
    for (int small = 100; small < 112; ++small) post(small, 100'000);
    // One after another: after each million bytes of them a large one has its turn.
    follow = [&](int name) {
      order.push_back(name);
      if (name < 231) pool.Post([&follow, name] { follow(name + 1); }, 100'000);
    };
    pool.Post([&follow] { follow(200); }, 100'000);
    all_posted.set_value();
  }
  ASSERT(order.size() == 16 + 12 + 32);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], 100 + i);
  EXPECT_EQ(order[10], 0);
  const auto place = [&](int name) { return std::find(order.begin(), order.end(), name); };
  EXPECT(place(3) < place(231));
  for (int large = 1; large < 16; ++large) EXPECT(place(large - 1) < place(large));
}

TEST(DeepStackPool, SurvivesExceptions) {
  const auto owner = DeepStackPool::Create(2);
  ASSERT(owner.ok());
  DeepStackPool& pool = **owner;
  pool.Post([] { throw std::runtime_error("dropped"); });
  const Status failed = pool.Run([] { throw std::runtime_error("broken"); });
  ASSERT(failed.has_value());
  EXPECT(failed->code == ErrorCode::kInternal);
  EXPECT_EQ(failed->what, std::string("broken"));
  const Status memory = pool.Run([] { throw std::bad_alloc(); });
  ASSERT(memory.has_value());
  EXPECT(memory->code == ErrorCode::kOutOfMemory);
  EXPECT(!pool.Run([] {}));
}

TEST(DeepStackPool, RunsInPlaceOnItsOwnThread) {
  const auto owner = DeepStackPool::Create(1);
  ASSERT(owner.ok());
  DeepStackPool& pool = **owner;
  int inner = 0;
  EXPECT(!pool.Run([&] { (void)pool.Run([&] { inner = 1; }); }));
  EXPECT_EQ(inner, 1);
}

TEST(DeepStackPool, ManyThreadsCountEveryJob) {
  std::atomic<int> count{0};
  {
    const auto owner = DeepStackPool::Create(4);
    ASSERT(owner.ok());
    DeepStackPool& pool = **owner;
    EXPECT_EQ(pool.num_threads(), 4);
    for (int i = 0; i < 1000; ++i) pool.Post([&count] { ++count; });
  }
  EXPECT_EQ(count.load(), 1000);
}

TEST(DeepStackPool, RefusesNoThreads) {
  const auto pool = DeepStackPool::Create(0);
  ASSERT(!pool.ok());
  EXPECT(pool.error().code == ErrorCode::kInvalidArgument);
}

TEST(DeepStackPool, ReportsThreadsThatCannotBeMade) {
  const auto pool = DeepStackPool::Create(1, std::size_t{1} << 60);
  ASSERT(!pool.ok());
  EXPECT(pool.error().code == ErrorCode::kOutOfMemory);
}

#ifdef __linux__
TEST(DeepStackPool, ThreadsThatStandBehind) {
  const int here = getpriority(PRIO_PROCESS, 0);
  const auto pool = DeepStackPool::Create(1, kDeepStackBytes, 3);
  ASSERT(pool.ok());
  int there = 0;
  EXPECT(!(*pool)->Run([&] { there = getpriority(PRIO_PROCESS, 0); }));
  EXPECT_EQ(there, std::min(here + 3, 19));
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), here);
}
#endif

}  // namespace
}  // namespace sentiric::backend
