// SPDX-License-Identifier: AGPL-3.0-only
// The engine's one thread: it owns the decoder and turns requests into events, step by step.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/context_pool.h"
#include "core/outbox.h"
#include "core/request_queue.h"
#include "core/scheduler.h"
#include "core/sequence.h"
#include "engine/batch_runner.h"
#include "sentiric/engine.h"

namespace sentiric {

struct WorkerConfig {
  SchedulerConfig scheduler;
  std::int32_t queue_wait_ms = 0;
};

class Worker : private BatchSink {
 public:
  // The decoder is used and destroyed on the worker's thread only. `outbox` outlives the worker.
  Worker(std::unique_ptr<Decoder> decoder, std::shared_ptr<SamplerFactory> samplers,
         const WorkerConfig& config, Outbox* outbox);
  ~Worker() override;  // as Stop()

  // Any thread.
  void Add(RequestHandle request);                  // prepared; waits for a context
  void Reject(RequestHandle request, Error error);  // could not be prepared
  // Runs between two steps; false when the worker is stopping and never will.
  bool MaybePost(std::function<void()> job);
  void Wake();  // after a request's cancel flag was raised
  Capacity capacity() const { return pool_.capacity(); }
  EngineStats stats() const;
  // Ends what is running with kCancelled, runs posted jobs and joins. Idempotent.
  void Stop();

 private:
  struct Inbox {
    std::vector<RequestHandle> added;
    std::vector<std::pair<RequestHandle, Error>> rejected;
    std::vector<std::function<void()>> jobs;
    bool is_woken = false;
    bool is_stopping = false;
    bool empty() const {
      return added.empty() && rejected.empty() && jobs.empty() && !is_woken && !is_stopping;
    }
  };

  void Loop();
  Inbox WaitForWork();
  void Step(Inbox inbox);
  void EndWaiting(Clock::time_point now);
  void EndRunning(Clock::time_point now);
  void Admit(Clock::time_point now);
  void MakeRoomInFullContexts(Clock::time_point now);
  std::vector<SequenceView> Views() const;
  void Run(const BatchPlan& plan);
  void RelievePressure(Clock::time_point now);
  void Publish();
  void EndWithoutContext(const RequestHandle& request, FinishReason reason, Error error);
  void Shutdown();
  Sequence* Find(SeqId seq);

  void OnEvaluated(const Batch& batch) override;
  void OnNoRoom(SeqId seq) override;
  void OnFailed(SeqId seq, DecodeStatus status) override;

  // Constant after construction.
  const WorkerConfig config_;
  const Scheduler scheduler_;
  const std::shared_ptr<SamplerFactory> samplers_;
  Outbox* const outbox_;

  // Guarded by inbox_mutex_.
  std::mutex inbox_mutex_;
  std::condition_variable inbox_changed_;
  Inbox inbox_;

  // Guarded by stats_mutex_.
  mutable std::mutex stats_mutex_;
  EngineStats published_stats_;

  // Worker thread only.
  ContextPool pool_;  // has a lock of its own
  std::unique_ptr<Decoder> decoder_;
  BatchRunner runner_;
  RequestQueue queue_;
  std::list<Sequence> running_;  // in order of admission
  std::vector<SeqId> parked_;    // running, but without cells until another one ends
  std::vector<SeqId> stalled_;   // found no room in this step
  std::vector<Event> events_;    // of this step
  EngineStats stats_;
  std::size_t rows_of_step_ = 0;

  std::thread thread_;  // last: starts when everything above is there
};

}  // namespace sentiric
