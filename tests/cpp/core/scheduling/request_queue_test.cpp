// SPDX-License-Identifier: AGPL-3.0-only
// Order of the queue, shares of tenants, victims of preemption.
#include "core/scheduling/request_queue.h"

#include "check.h"
#include "core/scheduling/preemption.h"

using namespace sentiric;

namespace {

RequestHandle Make(RequestId id, const std::string& tenant = "",
                   Priority priority = Priority::kNormal, std::size_t prompt = 10) {
  Request request;
  request.tenant = tenant;
  request.priority = priority;
  auto state = std::make_shared<RequestState>(id, std::move(request));
  state->prompt.tokens.assign(prompt, 7);
  return state;
}

// The first request that may try; null when there is none.
const Waiting* First(const RequestQueue& queue, Clock::time_point now, bool is_idle,
                     const ClassTurns& turns = {}) {
  const std::vector<const Waiting*> next = queue.Next(now, is_idle, turns);
  return next.empty() ? nullptr : next.front();
}

RequestId NextId(RequestQueue* queue, Clock::time_point now = Clock::now()) {
  const Waiting* next = First(*queue, now, false);
  return next == nullptr ? 0 : queue->Take(next).request->id;
}

}  // namespace

TEST(RequestQueue, FirstInFirstOut) {
  RequestQueue queue({});
  for (RequestId id = 1; id <= 3; ++id) queue.Push(Make(id));
  EXPECT_EQ(queue.num_tokens(), 30);
  for (RequestId id = 1; id <= 3; ++id) EXPECT_EQ(NextId(&queue), id);
  EXPECT_EQ(NextId(&queue), 0u);
  EXPECT_EQ(queue.num_tokens(), 0);
}

TEST(RequestQueue, TheBetterClassIsFirstAndAgeRaises) {
  QueueConfig config;
  config.ageing_ms = 1000;
  RequestQueue queue(config);
  queue.Push(Make(1, "", Priority::kBatch));
  queue.Push(Make(2, "", Priority::kRealtime));
  EXPECT_EQ(First(queue, Clock::now(), false)->request->id, 2u);
  EXPECT_EQ(First(queue, Clock::now() + std::chrono::seconds(2), false)->request->id, 1u);
}

TEST(RequestQueue, TenantsAreServedByTheirShare) {
  QueueConfig config;
  config.tenant_weights = {{"b", 3.0}};
  RequestQueue queue(config);
  for (RequestId id = 1; id <= 40; ++id) queue.Push(Make(id, id <= 20 ? "a" : "b"));
  int of_b = 0;
  for (int i = 0; i < 20; ++i) {
    const Waiting taken = queue.Take(First(queue, Clock::now(), false));
    of_b += taken.request->request.tenant == "b";
    queue.OnServed(*taken.request, 100);
  }
  EXPECT_EQ(of_b, 15);
}

TEST(RequestQueue, TheLineIsTheOrderInWhichRequestsAreTaken) {
  QueueConfig config;
  config.ageing_ms = 0;
  RequestQueue queue(config);
  for (RequestId id = 1; id <= 6; ++id) queue.Push(Make(id, id <= 4 ? "a" : "b"));
  queue.Push(Make(7, "a", Priority::kRealtime));
  queue.Push(Make(8, "b", Priority::kBatch));
  std::vector<RequestId> told, taken;
  for (const Queued& queued : queue.Line(Clock::now())) told.push_back(queued.request);
  while (queue.size() > 0) {
    const Waiting next = queue.Take(First(queue, Clock::now(), false));
    taken.push_back(next.request->id);
    // The realtime request costs nothing: the tenants begin equal.
    queue.OnServed(*next.request, next.request->id == 7 ? 0 : 100);
  }
  EXPECT(told == taken);
  EXPECT_EQ(told.front(), 7u);
  EXPECT_EQ(told.back(), 8u);
}

TEST(RequestQueue, ANewTenantGetsNeitherCreditNorDebt) {
  FairShare share({});
  share.Enter("a");
  share.Charge("a", 500);
  share.Enter("b");
  EXPECT_EQ(share.served("b"), 500.0);
  share.Leave("a");
  share.Leave("b");
  EXPECT_EQ(share.num_tenants(), 0u);
}

TEST(RequestQueue, WhoNeedsRoomWaitsForAnEnd) {
  RequestQueue queue({});
  auto request = Make(1);
  queue.Push(request);
  queue.Take(First(queue, Clock::now(), false));
  auto sequence =
      std::make_unique<Sequence>(request, nullptr, nullptr, DecoderTraits{}, Clock::now());
  queue.PushPreempted(std::move(sequence), true);
  EXPECT(First(queue, Clock::now(), false) == nullptr);
  EXPECT(First(queue, Clock::now(), true) != nullptr);  // nothing runs that could end
  queue.OnEnded(*Make(2));
  EXPECT(First(queue, Clock::now(), false) != nullptr);
}

TEST(RequestQueue, ARequestMayNameItsOwnWait) {
  RequestQueue queue({});
  Request request;
  request.queue_wait_ms = 50;
  queue.Push(std::make_shared<RequestState>(1, request));
  queue.Push(Make(2));
  EXPECT(queue.TakeExpired(Clock::now()).empty());
  EXPECT_EQ(queue.TakeExpired(Clock::now() + std::chrono::seconds(60)).size(), 1u);
}

TEST(Preemption, ALowerClassGivesWay) {
  const std::vector<Claim> running = {
      {Priority::kNormal, "a", 1}, {Priority::kBatch, "a", 2}, {Priority::kBatch, "a", 3}};
  EXPECT(ChooseVictim({Priority::kRealtime, "a", 9}, running, 3) == std::size_t{2});
  EXPECT(ChooseVictim({Priority::kNormal, "a", 9}, running, 3) == std::size_t{2});
  EXPECT(!ChooseVictim({Priority::kBatch, "a", 9}, running, 3));
}

TEST(Preemption, ATenantAboveItsShareGivesWayToOneWithNothing) {
  const std::vector<Claim> running = {{Priority::kNormal, "a", 1},
                                      {Priority::kNormal, "a", 2},
                                      {Priority::kNormal, "a", 3},
                                      {Priority::kNormal, "b", 4}};
  EXPECT(ChooseVictim({Priority::kNormal, "c", 9}, running, 4) == std::size_t{2});
  EXPECT(!ChooseVictim({Priority::kNormal, "b", 9}, running, 4));  // has one
  // A class that holds everything loses a context of its largest tenant.
  EXPECT(ChooseVictim({Priority::kBatch, "c", 9}, running, 4) == std::size_t{2});
  const std::vector<Claim> fair = {{Priority::kNormal, "a", 1}, {Priority::kNormal, "b", 2}};
  EXPECT(!ChooseVictim({Priority::kNormal, "c", 9}, fair, 2));
}

TEST(Preemption, UnderPressureTheWeakestAndYoungest) {
  EXPECT_EQ(ChooseUnderPressure({{Priority::kNormal, "a", 5}, {Priority::kRealtime, "a", 9}}), 0u);
  EXPECT_EQ(ChooseUnderPressure({{Priority::kNormal, "a", 5}, {Priority::kNormal, "a", 9}}), 1u);
}
