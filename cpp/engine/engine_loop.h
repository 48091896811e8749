// SPDX-License-Identifier: AGPL-3.0-only
// What the worker does in one step, without its thread: admit, plan, decode, sample, publish.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/cache/context_pool.h"
#include "core/cache/prefix_cache.h"
#include "core/sampling/row_pool.h"
#include "core/scheduling/class_share.h"
#include "core/scheduling/cost_model.h"
#include "core/scheduling/preemption.h"
#include "core/scheduling/request_queue.h"
#include "core/scheduling/scheduler.h"
#include "core/scheduling/sequence.h"
#include "core/scheduling/wait_estimate.h"
#include "engine/batch_runner.h"
#include "engine/loop_parts.h"
#include "engine/outbox.h"
#include "engine/speculator.h"
#include "sentiric/engine.h"

namespace sentiric {

// One thread makes all calls but those that say otherwise; `outbox` outlives it.
class EngineLoop : private BatchSink {
 public:
  // News for the loop since the last step.
  struct Input {
    std::vector<RequestHandle> added;                       // prepared; they wait for a context
    std::vector<std::pair<RequestHandle, Error>> rejected;  // could not be prepared
    // What AdapterSource::load was asked for.
    std::vector<std::pair<RequestHandle, Result<AdapterSetHandle>>> loaded;
  };

  EngineLoop(LoopParts parts, const LoopConfig& config, Outbox* outbox);

  // One round. `decodes` is false when only the books are to be brought up to date.
  void Step(Input input, bool decodes, Clock::time_point now = Clock::now());
  void Shutdown();  // ends everything with kCancelled and frees the decoder; the last call
  bool is_idle() const { return running_.empty() && queue_.size() == 0; }
  // All there is to do waits for adapters; only time can change something before they come.
  bool waits_for_adapters() const { return running_.empty() && queue_.size() == queue_.num_held(); }
  EngineStats stats() const;                              // any thread: as of the last step
  Pace pace() const;                                      // any thread: as of the last step
  Capacity capacity() const { return pool_.capacity(); }  // any thread
  bool CheckIntegrity() const { return cache_.CheckIntegrity(); }

 private:
  // What a sequence samples from: the row of its last token, then those of its guesses.
  struct LogitRows {
    Sequence* sequence;
    std::vector<const float*> logits;
  };
  using Sequences = std::vector<std::unique_ptr<Sequence>>;

  void TakeIn(Input input);
  void TakeLoaded(const RequestHandle& request, Result<AdapterSetHandle> adapters);
  void EndWaiting(Clock::time_point now);
  void EndRunning(Clock::time_point now);
  void Admit(Clock::time_point now);
  bool MaybeStartOne(Clock::time_point now);
  bool MaybeMakeWay(const Waiting& next, bool has_rivals);
  bool MaybeStart(const Waiting& next, Clock::time_point now);
  std::unique_ptr<Sequence> MakeSequence(const RequestHandle& request, Clock::time_point now);
  bool HasAdapters(const RequestHandle& request);
  void Park(std::size_t index, bool needs_room);
  void BeginSequences();
  void MakeRoomInFullContexts(Clock::time_point now);
  BatchPlan Plan();
  PrefillBudget BudgetFor(const std::vector<SequenceView>& views);
  void Run(const BatchPlan& plan);
  void Verify(const Batch& batch, double ms);
  CallShape ShapeOf(const Batch& batch);
  CallShape PlainShapeOf(const Batch& batch);
  void RelievePressure(Clock::time_point now);
  void TakeTurns();
  Claim ClaimOf(const RequestState& state) const;
  std::vector<Claim> Claims() const;
  void Publish();
  void EndFinished();
  void CountEvents();
  void UpdateGauges();
  void EndWaiting(Waiting waiting, FinishReason reason, Error error);
  void EndWithoutContext(const RequestState& request, FinishReason reason, Error error);
  Sequence* Find(SeqId seq) const { return by_seq_[static_cast<std::size_t>(seq)]; }

  void Accept(Sequence* sequence);

  void SampleRows(const std::vector<LogitRows>& rows);

  void OnEvaluated(const Batch& batch) override;
  void OnNoRoom(SeqId seq) override;
  void OnFailed(SeqId seq, DecodeStatus status) override;

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
  sampling::RowPool row_pool_;
  Clock::time_point step_began_;
  CostModel cost_;
  RequestQueue queue_;
  ClassTurns turns_;
  Pace pace_;
  Sequences running_;              // in order of admission
  std::vector<Sequence*> by_seq_;  // who runs in a sequence of the decoder; null = nobody
  std::vector<SeqId> stalled_;     // found no room in this step
  std::vector<Event> events_;      // of this step
  EngineStats stats_;

  mutable std::mutex stats_mutex_;
  EngineStats published_stats_;  // guarded by stats_mutex_
  Pace published_pace_;          // the same
};

}  // namespace sentiric
