// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/context_pool.h"

#include <random>

#include "check.h"

using namespace sentiric;

TEST(ContextPool, AsManyAsMayRunAreLeased) {
  ContextPool pool(4, 2);
  auto a = pool.MaybeLease(3);
  auto b = pool.MaybeLease(1);
  ASSERT(a && b);
  EXPECT_EQ(a->seq(), 3);
  EXPECT(!pool.is_free(3) && pool.is_free(2));
  EXPECT(!pool.MaybeLease(0));  // two run
  a.reset();
  EXPECT_EQ(pool.capacity().available, 1);
  EXPECT(!pool.MaybeLease(1));  // in use
  EXPECT(pool.MaybeLease(0).has_value());
}

TEST(ContextPool, ALeaseIsGivenBackOnEveryPath) {
  ContextPool pool(3, 3);
  try {
    const auto lease = pool.MaybeLease(0);
    throw std::runtime_error("on the way");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(pool.capacity().active, 0);
  auto first = pool.MaybeLease(0);
  ContextLease moved = std::move(*first);
  first.reset();
  EXPECT_EQ(pool.capacity().active, 1);
  moved = std::move(*pool.MaybeLease(1));
  EXPECT_EQ(pool.capacity().active, 1);
  EXPECT(pool.is_free(0));
}

TEST(ContextPool, TheBooksBalanceAfterRandomOperations) {
  std::mt19937 random(3);
  ContextPool pool(9, 7);
  std::vector<ContextLease> held;
  for (int i = 0; i < 100000; ++i) {
    if (random() % 2 == 0) {
      if (auto lease = pool.MaybeLease(static_cast<SeqId>(random() % 9))) {
        held.push_back(std::move(*lease));
      }
    } else if (!held.empty()) {
      std::swap(held[random() % held.size()], held.back());
      held.pop_back();
    }
    const Capacity capacity = pool.capacity();
    ASSERT(capacity.active == static_cast<std::int32_t>(held.size()));
    ASSERT(capacity.available == capacity.total - capacity.active && capacity.available >= 0);
  }
}
