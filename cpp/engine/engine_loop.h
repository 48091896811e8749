// SPDX-License-Identifier: AGPL-3.0-only
// What the worker does in one step, without its thread: admit, plan, decode, sample, publish.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/context_pool.h"
#include "core/cost_model.h"
#include "core/outbox.h"
#include "core/preemption.h"
#include "core/prefix_cache.h"
#include "core/request_queue.h"
#include "core/sampling/row_pool.h"
#include "core/scheduler.h"
#include "core/sequence.h"
#include "engine/batch_runner.h"
#include "engine/speculator.h"
#include "sentiric/engine.h"

namespace sentiric {

struct LoopConfig {
  SchedulerConfig scheduler;
  PrefixCacheConfig prefix;
  QueueConfig queue;
  std::int64_t queue_tokens = 0;        // prompt tokens that may wait; 0 = no limit
  std::int32_t itl_slo_ms = 0;          // 0 = off
  std::int32_t stream_interval_ms = 0;  // see EngineConfig
  std::int32_t busy_chunk = 0;          // prompt tokens beside running streams; 0 = by itl_slo_ms
};

// One thread makes all calls but those that say otherwise; `outbox` outlives it.
class EngineLoop : private BatchSink {
 public:
  // News for the loop since the last step.
  struct Input {
    std::vector<RequestHandle> added;                       // prepared; they wait for a context
    std::vector<std::pair<RequestHandle, Error>> rejected;  // could not be prepared
  };

  // adapters: null = none exist. drafter: null = guesses from earlier text.
  EngineLoop(std::unique_ptr<Decoder> decoder, std::shared_ptr<SamplerFactory> samplers,
             std::unique_ptr<AdapterStore> adapters, std::unique_ptr<Drafter> drafter,
             const LoopConfig& config, Outbox* outbox);

  // One round. `decodes` is false when only the books are to be brought up to date.
  void Step(Input input, bool decodes);
  void Shutdown();  // ends everything with kCancelled and frees the decoder; the last call
  bool is_idle() const { return running_.empty() && queue_.size() == 0; }
  EngineStats stats() const;                              // any thread: as of the last step
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
  void EndWaiting(Clock::time_point now);
  void EndRunning(Clock::time_point now);
  void Admit(Clock::time_point now);
  bool MaybeStart(const Waiting& next, Clock::time_point now);
  std::unique_ptr<Sequence> MakeSequence(const RequestHandle& request, Clock::time_point now);
  Result<AdapterSetHandle> LoadAdapters(const Request& request);
  bool MaybeMakeWay(const RequestState& request);
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
  std::unique_ptr<AdapterStore> adapters_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Speculator> speculator_;
  ContextPool pool_;  // has a lock of its own
  PrefixCache cache_;
  BatchRunner runner_;
  sampling::RowPool row_pool_;
  Clock::time_point step_began_;
  CostModel cost_;
  RequestQueue queue_;
  Sequences running_;              // in order of admission
  std::vector<Sequence*> by_seq_;  // who runs in a sequence of the decoder; null = nobody
  std::vector<SeqId> stalled_;     // found no room in this step
  std::vector<Event> events_;      // of this step
  EngineStats stats_;

  mutable std::mutex stats_mutex_;
  EngineStats published_stats_;  // guarded by stats_mutex_
};

}  // namespace sentiric
