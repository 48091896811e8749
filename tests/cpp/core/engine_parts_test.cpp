// SPDX-License-Identifier: AGPL-3.0-only
// Context pool, outbox, parameter ranges, CPU quota.
#include <cmath>
#include <random>
#include <thread>

#include "check.h"
#include "core/context_pool.h"
#include "core/cpu_budget.h"
#include "core/outbox.h"
#include "sentiric/types.h"

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

TEST(Outbox, OneWakeUpForAllEventsOfAStep) {
  Outbox outbox;
  outbox.Put({Event{}, Event{}, Event{}});
  outbox.Put({});
  std::vector<Event> events;
  EXPECT(outbox.Wait(&events, std::chrono::milliseconds(0)));
  EXPECT_EQ(events.size(), 3u);
  EXPECT_EQ(outbox.num_batches(), 1u);
}

TEST(Outbox, ClosingWakesTheConsumerAfterTheLastEvent) {
  Outbox outbox;
  outbox.Put({Event{}});
  std::thread closer([&] { outbox.Close(); });
  closer.join();
  std::vector<Event> events;
  EXPECT(outbox.Wait(&events, std::chrono::milliseconds(1000)));
  EXPECT(!outbox.Wait(&events, std::chrono::milliseconds(1000)));
}

TEST(Params, OutOfRangeNamesFieldValueAndRange) {
  SamplingParams params;
  EXPECT(!Validate(params, 100));
  params.temperature = 2.5f;
  const Status status = Validate(params, 100);
  ASSERT(status.has_value());
  EXPECT_EQ(status->where, "temperature");
  EXPECT_EQ(status->what, "out of range; got 2.5, allowed 0..2");
  params.temperature = NAN;
  EXPECT(Validate(params, 100).has_value());
}

TEST(Params, EveryPromptHasOneSource) {
  Request request;
  EXPECT_EQ(Validate(request, 100)->where, "prompt");
  request.prompt.text = "a";
  EXPECT(!Validate(request, 100));
  request.prompt.tokens = {1};
  EXPECT_EQ(Validate(request, 100)->where, "prompt");
}

TEST(Params, BiasesStayInsideTheVocabulary) {
  Request request;
  request.prompt.text = "a";
  request.sampling.logit_bias = {{99, 1.0f}};
  EXPECT(!Validate(request, 100));
  request.sampling.logit_bias = {{100, 1.0f}};
  EXPECT(Validate(request, 100).has_value());
  request.sampling.logit_bias.assign(301, {1, 0.0f});
  EXPECT(Validate(request, 100).has_value());
}

TEST(CpuBudget, QuotasRoundUpAndNoQuotaIsNoLimit) {
  EXPECT_EQ(CpusOfQuota("200000 100000"), 2);
  EXPECT_EQ(CpusOfQuota("150000 100000"), 2);
  EXPECT_EQ(CpusOfQuota("50000 100000"), 1);
  EXPECT_EQ(CpusOfQuota("max 100000"), 0);
  EXPECT_EQ(CpusOfQuota("-1 100000"), 0);
  EXPECT_EQ(CpusOfQuota(""), 0);
  EXPECT(NumUsableCpus() >= 1);
}
