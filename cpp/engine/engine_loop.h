// SPDX-License-Identifier: AGPL-3.0-only
// One step of the worker, without its thread.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/cache/context_pool.h"
#include "core/cache/prefix_cache.h"
#include "core/scheduling/call_shape.h"
#include "core/scheduling/class_share.h"
#include "core/scheduling/preemption.h"
#include "core/scheduling/request_queue.h"
#include "core/scheduling/running_set.h"
#include "core/scheduling/scheduler.h"
#include "core/scheduling/step_cost.h"
#include "engine/batch_runner.h"
#include "engine/loop_parts.h"
#include "engine/loop_stats.h"
#include "engine/outbox.h"
#include "engine/row_sampler.h"
#include "engine/speculator.h"
#include "sentiric/engine.h"

namespace sentiric {

// One thread makes all calls, except where a comment says otherwise. `outbox` outlives the loop.
class EngineLoop {
 public:
  // What reached the loop since the last step.
  struct Input {
    std::vector<RequestHandle> added;                       // prepared; they wait for a context
    std::vector<std::pair<RequestHandle, Error>> rejected;  // could not be prepared
    // The answers to AdapterSource::load.
    std::vector<std::pair<RequestHandle, Result<AdapterSetHandle>>> loaded;
  };

  EngineLoop(LoopParts parts, const LoopConfig& config, Outbox* outbox);

  // One round. `decodes` is false for a step that ends and admits requests, but decodes nothing.
  void Step(Input input, bool decodes, Clock::time_point now = Clock::now());
  void Shutdown();  // ends everything with kCancelled and frees the decoder; the last call
  // Tokens of a prompt that the prefix cache would give now.
  std::int32_t NumCached(const std::string& scope, const std::vector<Token>& tokens) const {
    return cache_.NumCached({scope, tokens, NumTokens(tokens)});
  }
  bool is_idle() const { return running_.empty() && queue_.size() == 0; }
  // True when every request waits for its reader or for adapters: until one of them arrives, only
  // time can change anything.
  bool only_waits() const;
  EngineStats stats() const { return stats_.stats(); }        // any thread; as of the last step
  Pace pace() const { return stats_.pace(); }                 // any thread; as of the last step
  std::vector<Queued> line() const { return stats_.line(); }  // any thread
  Capacity capacity() const { return pool_.capacity(); }      // any thread
  bool CheckIntegrity() const { return cache_.CheckIntegrity(); }

 private:
  // A decoder call in progress.
  struct Call {
    const Batch* batch;
    CallShape shape;
    Clock::time_point began;
  };

  // admission.cpp: which requests wait, which run, which are preempted.
  void TakeIn(Input input);
  void TakeLoaded(const RequestHandle& request, Result<AdapterSetHandle> adapters);
  bool MaybeEndCovered(const RequestState& request);
  Error TooManyTokens(std::int64_t tokens) const;
  void Admit(Clock::time_point now);
  bool MaybeStartOne(Clock::time_point now);
  bool MaybeMakeWay(const Waiting& next, bool has_rivals);
  bool MaybeStart(const Waiting& next, Clock::time_point now);
  std::unique_ptr<Sequence> MakeSequence(const RequestHandle& request, Clock::time_point now);
  std::unique_ptr<Sequence> Refuse(const RequestState& request, Error error);
  bool HasAdapters(const RequestHandle& request);
  void BeginSequences(Clock::time_point now);
  void Preempt(std::size_t index, bool needs_room);
  void RelievePressure(Clock::time_point now);
  void TakeTurns();
  Claim ClaimOf(const RequestState& state) const;
  std::vector<Claim> Claims() const;

  // ending.cpp: which requests end, and what is published.
  void EndOverdue(Clock::time_point now);
  bool IsUnread(const Sequence& sequence, Clock::time_point now) const;
  void EndWaiting(Waiting waiting, Error error);
  void EndWithoutContext(const RequestState& request, Error error);
  void EndFinished();
  void ReleaseContext(const Sequence& sequence);
  void Publish();
  void GatherStats();

  // engine_loop.cpp: what is drafted, decoded and sampled.
  void ShiftFullContexts(Clock::time_point now);
  BatchPlan Plan();
  Call StartCall(const Batch& batch);
  void NoteRequests(const Batch& batch) const;
  std::vector<LogitRows> TakePart(const BatchPart& part);
  std::vector<LogitRows> TakeEvaluated(const Batch& rows);
  void Stall(Sequence* sequence);
  void Accept(const std::vector<LogitRows>& sampled);
  void Accept(Sequence* sequence);
  void EndCall(const Call& call);
  void VerifyDrafts(const Batch& batch, double ms);

  const LoopConfig config_;
  const Scheduler scheduler_;
  const std::shared_ptr<SamplerFactory> samplers_;
  Outbox* const outbox_;
  const AdapterSource adapters_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Speculator> speculator_;
  ContextPool pool_;  // has a lock of its own
  PrefixCache cache_;
  BatchRunner runner_;
  RowSampler sampler_;
  Clock::time_point step_began_;
  std::uint64_t num_steps_ = 0;  // only those that decoded
  StepCost cost_;
  RequestQueue queue_;
  ClassTurns turns_;
  RunningSet running_;
  std::vector<SeqId> stalled_;  // found no free cells in this step
  std::vector<Event> events_;   // of this step, not published yet
  LoopStats stats_;             // has a lock of its own
};

}  // namespace sentiric
