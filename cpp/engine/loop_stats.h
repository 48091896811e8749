// SPDX-License-Identifier: AGPL-3.0-only
// The statistics of the loop.
#pragma once

#include <cstdint>
#include <vector>

#include "core/cache/prefix_cache.h"
#include "core/scheduling/request_queue.h"
#include "core/scheduling/running_set.h"
#include "core/scheduling/step_cost.h"
#include "core/scheduling/wait_estimate.h"
#include "core/sync/mutex.h"
#include "engine/batch_runner.h"
#include "sentiric/engine.h"

namespace sentiric {

// The only place that writes the loop's statistics. One thread counts and publishes; any thread
// reads the values of the last Publish().
class LoopStats {
 public:
  explicit LoopStats(std::int32_t kv_cells) { now_.kv_cells = kv_cells; }

  void OnPrefilled(std::int32_t tokens) { now_.prompt_tokens += Count(tokens); }
  // Tokens that a sequence got from one call; without a draft, all but the first were forced.
  void OnGenerated(std::int32_t tokens, bool had_draft);
  void OnForced(std::int32_t tokens);  // without a call
  void OnVerified(std::size_t drafted, std::int32_t accepted);
  void OnShifted(std::int32_t tokens);
  void OnPreempted() { ++now_.preemptions; }
  void OnResumed() { ++now_.resumes; }
  // A request released its context after `held_ms`.
  void OnFreed(double held_ms);
  void OnCall(double ms) { step_ms_ += ms; }
  void OnStep();  // after the calls of a step
  void OnEvents(const std::vector<Event>& events);

  // Copy gauges and counters that are kept elsewhere.
  // The order of the queue is told a few times a second.
  void Gather(const RequestQueue& queue, Clock::time_point now);
  void Gather(const RunningSet& running, Clock::time_point now);
  void Gather(const PrefixStats& prefix);
  void Gather(const BatchRunner& runner);
  void Gather(const StepCost& cost);
  void SetDraftFailures(std::uint64_t count) { now_.draft_failures = count; }
  void SetAdaptersLoaded(std::int32_t count) { now_.adapters_loaded = count; }

  // See Pace::RoomMs.
  std::int32_t RoomMs(std::size_t waiting, std::int32_t contexts) const {
    return pace_.RoomMs(waiting, contexts);
  }

  void Publish();

  // Any thread.
  EngineStats stats() const;
  Pace pace() const;
  std::vector<Queued> line() const;

 private:
  static std::uint64_t Count(std::int32_t count) { return static_cast<std::uint64_t>(count); }

  EngineStats now_;
  Pace pace_;
  double step_ms_ = 0;  // of the calls in this step so far
  std::vector<Queued> line_;
  Clock::time_point next_line_;

  mutable Mutex mutex_;
  EngineStats published_ GUARDED_BY(mutex_);
  Pace published_pace_ GUARDED_BY(mutex_);
  std::vector<Queued> published_line_ GUARDED_BY(mutex_);
};

}  // namespace sentiric
