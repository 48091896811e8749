// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/engine_loop.h"

#include <algorithm>
#include <utility>

#include "core/record/doing.h"
#include "core/scheduling/milliseconds.h"

namespace sentiric {
namespace {

Error DecodeError(DecodeStatus status) {
  if (status == DecodeStatus::kInvalid) {
    return {ErrorCode::kInternal, "decode", "the backend refused the batch"};
  }
  return {ErrorCode::kInternal, "decode", "the backend failed to compute this sequence"};
}

}  // namespace

EngineLoop::EngineLoop(LoopParts parts, const LoopConfig& config, Outbox* outbox)
    : config_(config),
      scheduler_(config.scheduler),
      samplers_(std::move(parts.samplers)),
      outbox_(outbox),
      adapters_(std::move(parts.adapters)),
      decoder_(std::move(parts.decoder)),
      speculator_(std::make_unique<Speculator>(std::move(parts.drafter), decoder_->traits())),
      pool_(decoder_->traits().sequences, decoder_->traits().contexts),
      cache_(decoder_.get(), &pool_, config.prefix, std::move(parts.disk)),
      runner_(decoder_.get()),
      sampler_(decoder_.get()),
      cost_({config.scheduler.max_batch, config.busy_chunk, config.itl_slo_ms}),
      queue_(config.queue),
      running_(decoder_->traits().sequences),
      stats_(decoder_->traits().cells) {}

void EngineLoop::Step(Input input, bool decodes, Clock::time_point now) {
  const record::Doing doing(record::Place::kStep);
  step_began_ = now;
  TakeIn(std::move(input));
  EndOverdue(now);
  Admit(now);
  ShiftFullContexts(now);
  speculator_->Draft(running_);
  const BatchPlan plan = decodes ? Plan() : BatchPlan();
  for (const Batch& batch : plan.batches) {
    const Call call = StartCall(batch);
    while (const std::optional<BatchPart> part = runner_.Decode()) {
      const std::vector<LogitRows> rows = TakePart(*part);
      sampler_.Sample(rows);
      Accept(rows);
    }
    EndCall(call);
  }
  if (!plan.batches.empty()) stats_.OnStep();
  EndFinished();  // first: the cells it frees need not be taken from others
  RelievePressure(Clock::now());
  TakeTurns();
  Publish();
}

bool EngineLoop::only_waits() const {
  for (const auto& sequence : running_) {
    if (!sequence->waits_for_reader()) return false;
  }
  return !running_.empty() || queue_.size() == queue_.num_held();
}

void EngineLoop::ShiftFullContexts(Clock::time_point now) {
  for (const auto& sequence : running_) {
    if (sequence->is_finished() || !sequence->has_full_context()) continue;
    const ContextShift shift = sequence->NextShift(cache_.NumShared(sequence->seq()));
    if (shift.count < 1) {
      sequence->Finish(FinishReason::kLength, now);
      continue;
    }
    decoder_->Shift(sequence->seq(), shift.keep, shift.count);
    sequence->OnShifted(shift);
    cache_.OnShifted(sequence->seq(), shift.keep);
    speculator_->Forget(sequence->seq());
    stats_.OnShifted(shift.count);
  }
}

BatchPlan EngineLoop::Plan() {
  std::vector<SequenceView> views;
  for (const auto& sequence : running_) {
    if (sequence->is_finished() || sequence->waits_for_reader()) continue;
    if (sequence->has_begun()) {
      views.push_back(sequence->View(num_steps_));
      views.back().stop = cache_.NextStop(sequence->seq());
    }
  }
  const PrefillBudget budget = cost_.BudgetFor(views, num_steps_, step_began_);
  BatchPlan plan = scheduler_.Plan(views, num_steps_, budget);
  if (!plan.batches.empty()) ++num_steps_;
  return plan;
}

EngineLoop::Call EngineLoop::StartCall(const Batch& batch) {
  const Call call{&batch, ShapeOf(batch, running_), Clock::now()};
  NoteRequests(batch);
  // Only a call for a single sequence may be aborted when its request is cancelled.
  const bool serves_one = batch.front().seq == batch.back().seq;
  const Sequence* owner = running_.Find(batch.front().seq);
  decoder_->UseAdapters(owner->adapters());
  runner_.Start(batch, serves_one ? &owner->request().cancelled : nullptr);
  return call;
}

// For whoever asks, after a crash, what was computed.
void EngineLoop::NoteRequests(const Batch& batch) const {
  record::BatchNote note;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i > 0 && batch[i].seq == batch[i - 1].seq) continue;
    note.Add(running_.Find(batch[i].seq)->request().request.tag);
  }
}

// Records the outcome of the part; returns the rows that can be sampled now.
std::vector<LogitRows> EngineLoop::TakePart(const BatchPart& part) {
  if (part.status == DecodeStatus::kOk) return TakeEvaluated(*part.rows);
  Sequence* sequence = running_.Find(part.seq);
  if (part.status == DecodeStatus::kKvFull) {
    Stall(sequence);
  } else {
    sequence->Fail(DecodeError(part.status), Clock::now());
  }
  return {};
}

std::vector<LogitRows> EngineLoop::TakeEvaluated(const Batch& rows) {
  std::vector<LogitRows> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Sequence* sequence = running_.Find(rows[i].seq);
    const bool is_known = !found.empty() && found.back().sequence == sequence;
    const bool is_draft = is_known && !found.back().logits.empty();
    if (sequence->is_prefilling()) stats_.OnPrefilled(1);
    if (!is_draft) sequence->OnEvaluated(1, num_steps_);
    cache_.OnEvaluated(rows[i].seq, sequence->evaluated());
    if (!rows[i].wants_logits || sequence->is_finished()) continue;
    if (!is_known) found.push_back({sequence, {}, {}});
    const bool is_scored = sequence->IsScoredBy(rows[i]);
    (is_scored ? found.back().prompt : found.back().logits).push_back(decoder_->Logits(i));
  }
  return found;
}

// No sequence is preempted for the sake of a draft.
void EngineLoop::Stall(Sequence* sequence) {
  if (sequence->draft().empty()) {
    stalled_.push_back(sequence->seq());
  } else {
    sequence->AbandonDraft();
  }
}

void EngineLoop::Accept(const std::vector<LogitRows>& sampled) {
  for (const LogitRows& rows : sampled) {
    rows.sequence->OnScored(Clock::now());
    if (!rows.logits.empty()) Accept(rows.sequence);
  }
}

void EngineLoop::Accept(Sequence* sequence) {
  const std::int32_t count = sequence->OnSampled(Clock::now());
  const bool had_draft = !sequence->draft().empty();
  if (had_draft && !decoder_->Truncate(sequence->seq(), sequence->evaluated())) {
    sequence->Fail(DecodeError(DecodeStatus::kFailed), Clock::now());
  }
  if (count == 0) return;
  stats_.OnGenerated(count, had_draft);
  queue_.OnServed(sequence->request(), count);
}

void EngineLoop::EndCall(const Call& call) {
  const double ms = Milliseconds(Clock::now() - call.began);
  cost_.Learn(call.shape, ms);
  VerifyDrafts(*call.batch, ms);
  stats_.OnCall(ms);
}

// Tells each drafting sequence what its draft gained, compared with a call without drafts.
void EngineLoop::VerifyDrafts(const Batch& batch, double ms) {
  const double plain_ms = cost_.Predict(ShapeWithoutDrafts(batch, running_));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i > 0 && batch[i].seq == batch[i - 1].seq) continue;
    Sequence* sequence = running_.Find(batch[i].seq);
    if (sequence->draft().empty() || !sequence->is_verified()) continue;
    stats_.OnVerified(sequence->draft().size(), sequence->num_accepted());
    sequence->OnVerified(plain_ms > 0 ? (ms + speculator_->draft_ms()) / plain_ms : 1.0);
  }
}

}  // namespace sentiric
