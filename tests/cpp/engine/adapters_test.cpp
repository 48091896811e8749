// SPDX-License-Identifier: AGPL-3.0-only
// Adapters are loaded off the worker's thread: no request waits for the file of another one.
#include <condition_variable>
#include <deque>
#include <random>

#include "check.h"
#include "stepper.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

Request With(const std::string& adapter, std::uint32_t seed = 1, std::int32_t max_tokens = 8) {
  Request request = TokenRequest(RandomPrompt(8, seed), max_tokens);
  if (!adapter.empty()) request.adapters = {{adapter, 1.0f}};
  return request;
}

FakeModel Model(std::int32_t contexts) {
  FakeModel model;
  model.contexts = contexts;
  model.context_size = 2048;
  return model;
}

// Runs posted tasks on two threads.
class TwoThreads : public TaskPool {
 public:
  TwoThreads() {
    for (std::thread& thread : threads_) thread = std::thread([this] { Work(); });
  }
  ~TwoThreads() override {
    Post(nullptr, 0);
    for (std::thread& thread : threads_) thread.join();
  }
  void Post(std::function<void()> task, std::size_t) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }

 private:
  void Work() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return !tasks_.empty(); });
        if (!tasks_.front()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::thread threads_[2];
};

// An engine whose adapters load as slowly as `before_load` says.
std::unique_ptr<LocalEngine> EngineWith(std::unique_ptr<FakeAdapters> adapters) {
  const FakeModel model = Model(2);
  EngineParts parts;
  parts.decoder = std::make_unique<FakeDecoder>(model);
  parts.samplers = std::make_shared<GreedyFactory>();
  parts.adapters = std::move(adapters);
  parts.prompts = std::make_shared<FakePrompts>(model.keep);
  parts.preparation = std::make_unique<TwoThreads>();
  parts.info.num_vocab = kVocab;
  parts.info.context_size = model.context_size;
  return std::make_unique<LocalEngine>(std::move(parts), ConfigOf({}), 64);
}

}  // namespace

TEST(Adapters, AFileThatDoesNotComeHoldsUpNobodyElse) {
  auto is_open = std::make_shared<std::atomic<bool>>(false);
  auto adapters = std::make_unique<FakeAdapters>();
  adapters->before_load = [is_open] {
    while (!is_open->load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  auto engine = EngineWith(std::move(adapters));
  const RequestId slow = *engine->Submit(With("slow"));
  for (std::uint32_t i = 0; i < 5; ++i) {
    const RequestId plain = *engine->Submit(With("", i));
    const auto outcomes = Collect(engine.get(), 1);
    ASSERT(outcomes.count(plain) == 1 && outcomes.at(plain).final.has_value());
    EXPECT_EQ(outcomes.at(plain).final->completion_tokens, 8);
  }
  is_open->store(true);
  EXPECT_EQ(Collect(engine.get(), 1)[slow].tokens.size(), 8u);
}

TEST(Adapters, AMissingOneIsRefusedBeforeItWaits) {
  auto engine = EngineWith(std::make_unique<FakeAdapters>());
  const RequestId id = *engine->Submit(With("missing"));
  const Outcome outcome = Collect(engine.get(), 1)[id];
  ASSERT(outcome.final.has_value() && outcome.final->error.has_value());
  EXPECT(outcome.final->error->code == ErrorCode::kModelNotFound);
  EXPECT(outcome.text.empty());
  auto without = EngineWith(nullptr);
  const RequestId other = *without->Submit(With("any"));
  EXPECT(Collect(without.get(), 1)[other].final->error->code == ErrorCode::kModelNotFound);
}

TEST(Adapters, WhileOneIsFetchedOthersGoFirst) {
  Stepper stepper(Model(1));
  stepper.loads = false;  // requested, but not loaded yet
  const RequestId waits = stepper.Add(With("a"));
  const RequestId plain = stepper.Add(With("", 2));
  for (int i = 0; i < 15; ++i) stepper.Step();
  EXPECT(stepper.HasEnded(plain));
  EXPECT(!stepper.HasEnded(waits));
  EXPECT_EQ(stepper.stats().queued, 1);
  stepper.DeliverAdapters();
  EXPECT(stepper.Finish());
  EXPECT_EQ(stepper.FinalOf(waits).completion_tokens, 8);
  EXPECT_EQ(stepper.adapters.num_loads(), 1);
}

TEST(Adapters, WhoLeavesWhileItsAdapterIsFetchedIsForgotten) {
  Stepper stepper(Model(1));
  stepper.loads = false;
  const RequestId left = stepper.Add(With("a"));
  stepper.Step();
  stepper.Cancel(left);
  stepper.Step();
  EXPECT(stepper.FinalOf(left).finish_reason == FinishReason::kCancelled);
  stepper.DeliverAdapters();
  stepper.Step();
  EXPECT_EQ(stepper.stats().queued, 0);
  EXPECT_EQ(stepper.stats().requests_completed, 1u);
}

TEST(Adapters, TheTimeOfFetchingIsTimeOfWaiting) {
  LoopConfig config = ConfigOf({});
  config.queue.wait_ms = 200;
  Stepper stepper(Model(1), config);
  stepper.fake_time = Clock::now();
  stepper.loads = false;
  const RequestId id = stepper.Add(With("a"));
  for (int i = 0; i < 30; ++i) stepper.Step();
  ASSERT(stepper.HasEnded(id));
  EXPECT(stepper.FinalOf(id).error->code == ErrorCode::kDeadlineExceeded);
  EXPECT(stepper.FinalOf(id).error->where == "queue");
}

TEST(Adapters, OnlyThoseInAContextAreInUse) {
  Stepper stepper(Model(2), ConfigOf({}), 1);
  const RequestId first = stepper.Add(With("a", 1, 40));
  for (int i = 0; i < 3; ++i) stepper.Step();
  const RequestId refused = stepper.Add(With("b", 2));
  for (int i = 0; i < 3; ++i) stepper.Step();
  ASSERT(stepper.HasEnded(refused));
  EXPECT(stepper.FinalOf(refused).error->code == ErrorCode::kOverloaded);
  EXPECT(stepper.Finish());
  EXPECT_EQ(stepper.FinalOf(first).completion_tokens, 40);
  const RequestId second = stepper.Add(With("b", 3));
  EXPECT(stepper.Finish());
  EXPECT_EQ(stepper.FinalOf(second).completion_tokens, 8);
  EXPECT_EQ(stepper.stats().adapters_loaded, 1);
}

// Many names, few places, requests that come and go: each ends, and only for a valid reason.
TEST(Adapters, RandomNamesAndFewPlaces) {
  std::mt19937 random(7);
  Stepper stepper(Model(3), ConfigOf({}), 2);
  std::map<RequestId, Request> requests;
  for (int i = 0; i < 400; ++i) {
    const std::string name = random() % 4 == 0 ? "" : std::string(1, "abcde"[random() % 5]);
    const Request request = With(name, random() % 9, 1 + static_cast<std::int32_t>(random() % 12));
    requests[stepper.Add(request)] = request;
    stepper.loads = random() % 3 > 0;
    if (random() % 2 == 0) stepper.DeliverAdapters();
    for (auto steps = random() % 6; steps > 0; --steps) stepper.Step();
    if (random() % 12 == 0) stepper.Cancel(1 + random() % requests.size());
  }
  stepper.loads = true;
  stepper.DeliverAdapters();
  ASSERT(stepper.Finish());
  EXPECT_EQ(stepper.num_unsound(), 0);
  EXPECT_EQ(stepper.outcomes.size(), requests.size());
  for (const auto& [id, request] : requests) {
    const Final& final = stepper.FinalOf(id);
    const bool is_overloaded = final.error && final.error->code == ErrorCode::kOverloaded;
    EXPECT(final.finish_reason == FinishReason::kCancelled || is_overloaded ||
           final.completion_tokens == request.max_tokens);
  }
}
