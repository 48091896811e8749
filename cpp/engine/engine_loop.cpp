// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/engine_loop.h"

#include <algorithm>
#include <set>
#include <utility>

#include "host/cpu_budget.h"

namespace sentiric {
namespace {

// Prompt tokens of a step before the cost of one is known, and the least that goes on beside
// running streams however slow the machine is.
constexpr std::int32_t kFirstBudget = 64;
constexpr std::int32_t kLeastBudget = 16;

// A step's rows are sampled in a fraction of a millisecond; more threads would only wait.
constexpr std::int32_t kMaxSamplingHelpers = 3;

const Error kExpired{ErrorCode::kDeadlineExceeded, "deadline", "the time allowed is over"};
const Error kStopped{ErrorCode::kCancelled, "engine", "the engine was closed"};
const Error kNoContext{ErrorCode::kDeadlineExceeded, "queue", "no context became free in time"};
const Error kParkedTooLong{ErrorCode::kDeadlineExceeded, "queue",
                           "no context became free in time to go on; the answer ends here"};
const Error kCancelledInQueue{ErrorCode::kCancelled, "request", "cancelled while it waited"};

Error DecodeError(DecodeStatus status) {
  if (status == DecodeStatus::kInvalid) {
    return {ErrorCode::kInternal, "decode", "the backend refused the batch"};
  }
  return {ErrorCode::kInternal, "decode", "the backend failed while computing this sequence"};
}

double Milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Its time in a context; being parked is not part of it.
double HeldMs(const Sequence& sequence, Clock::time_point now) {
  return Milliseconds(now - sequence.request().submitted - sequence.Waited(now));
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
      runner_(decoder_.get(), this),
      row_pool_(std::min(kMaxSamplingHelpers, NumUsableCpus() - 1)),
      queue_(config.queue),
      by_seq_(static_cast<std::size_t>(decoder_->traits().sequences), nullptr) {
  stats_.kv_cells = decoder_->traits().cells;
}

void EngineLoop::Step(Input input, bool decodes, Clock::time_point now) {
  step_began_ = now;
  TakeIn(std::move(input));
  EndWaiting(now);
  EndRunning(now);
  Admit(now);
  BeginSequences();
  MakeRoomInFullContexts(now);
  speculator_->Draft(running_);
  if (decodes) Run(Plan());
  RelievePressure(Clock::now());
  TakeTurns();
  Publish();
}

void EngineLoop::TakeIn(Input input) {
  for (auto& [request, error] : input.rejected) {
    EndWithoutContext(*request, FinishReason::kError, std::move(error));
  }
  for (RequestHandle& request : input.added) {
    const auto tokens = static_cast<std::int64_t>(request->prompt.tokens.size());
    const std::int64_t limit = config_.queue_tokens;
    if (limit > 0 && queue_.size() > 0 && queue_.num_tokens() + tokens > limit) {
      EndWithoutContext(
          *request, FinishReason::kError,
          {ErrorCode::kOverloaded, "queue",
           "too many prompt tokens wait; got " + std::to_string(queue_.num_tokens() + tokens) +
               ", allowed " + std::to_string(limit),
           pace_.NextEndMs(decoder_->traits().contexts)});
    } else {
      queue_.Push(std::move(request));
    }
  }
  for (auto& [request, adapters] : input.loaded) TakeLoaded(request, std::move(adapters));
}

// Nothing happens when the request has ended meanwhile.
void EngineLoop::TakeLoaded(const RequestHandle& request, Result<AdapterSetHandle> adapters) {
  if (!queue_.Release(request->id)) return;
  if (adapters) {
    request->adapters = std::move(adapters).value();
  } else {
    EndWaiting(*queue_.Take(request->id), FinishReason::kError, adapters.error());
  }
}

void EngineLoop::EndWaiting(Clock::time_point now) {
  for (Waiting& waiting : queue_.TakeCancelled()) {
    EndWaiting(std::move(waiting), FinishReason::kCancelled, kCancelledInQueue);
  }
  for (Waiting& waiting : queue_.TakeExpired(now)) {
    const bool is_over = waiting.request->IsPastDeadline(now);
    const Error& parked = is_over ? kExpired : kParkedTooLong;
    const Error& error = waiting.parked ? parked : kNoContext;
    EndWaiting(std::move(waiting), FinishReason::kError, error);
  }
}

void EngineLoop::EndRunning(Clock::time_point now) {
  for (const auto& sequence : running_) {
    if (sequence->request().cancelled.load()) sequence->Finish(FinishReason::kCancelled, now);
    if (sequence->request().IsPastDeadline(now)) sequence->Fail(kExpired, now);
  }
  Publish();  // frees their contexts before new requests are admitted
}

void EngineLoop::BeginSequences() {
  for (const auto& sequence : running_) {
    if (sequence->has_begun() || sequence->is_finished()) continue;
    const Beginning begun = cache_.Begin(sequence->seq(), sequence->Want());
    if (begun.waits) continue;
    sequence->Begin(begun.length, stats_.steps);
    queue_.OnServed(sequence->request(), sequence->prompt_size() - begun.length);
  }
}

// A context that is full to the last position drops half of what follows the kept head. The head
// stays whole unless it leaves less than an eighth of the context to move in.
void EngineLoop::MakeRoomInFullContexts(Clock::time_point now) {
  const DecoderTraits& traits = decoder_->traits();
  for (const auto& sequence : running_) {
    if (sequence->is_finished() || sequence->evaluated() < traits.context_size) continue;
    const std::int32_t keep =
        std::min(sequence->keep(), traits.context_size - traits.context_size / 8);
    const std::int32_t count = (sequence->evaluated() - keep) / 2;
    if (!traits.can_shift || !sequence->request().request.shift || count < 1) {
      sequence->Finish(FinishReason::kLength, now);
      continue;
    }
    decoder_->Shift(sequence->seq(), keep, count);
    sequence->OnShifted(keep, count);
    cache_.OnShifted(sequence->seq(), keep);
    speculator_->Forget(sequence->seq());
    ++stats_.shifts;
    stats_.shifted_tokens += static_cast<std::uint64_t>(count);
  }
}

BatchPlan EngineLoop::Plan() {
  std::vector<SequenceView> views;
  for (const auto& sequence : running_) {
    if (!sequence->is_finished() && sequence->has_begun()) {
      views.push_back(sequence->View(stats_.steps));
      views.back().stop = cache_.NextStop(sequence->seq());
    }
  }
  return scheduler_.Plan(views, stats_.steps, BudgetFor(views));
}

// Prompt tokens that fit into a step beside its decode rows.
PrefillBudget EngineLoop::BudgetFor(const std::vector<SequenceView>& views) {
  if (config_.busy_chunk > 0) return {config_.busy_chunk, 0};
  if (config_.itl_slo_ms <= 0) return {config_.scheduler.max_batch, 0};
  const auto prompts = Scheduler::Prompts(views, stats_.steps);
  if (prompts.empty()) return {};
  CallShape decode;
  std::set<const AdapterSet*> groups;
  for (const SequenceView& view : views) {
    if (view.is_prefilling()) continue;
    ++decode.decode_rows;
    groups.insert(view.adapters);
    decode.decode_context += view.evaluated;
  }
  decode.decode_calls = static_cast<std::int32_t>(groups.size());
  // Streams have waited since the step began: states that were saved or copied are part of it.
  const double left_ms = config_.itl_slo_ms - Milliseconds(Clock::now() - step_began_);
  stats_.prefill_budget =
      cost_.PrefillBudget(decode, left_ms, prompts[0]->evaluated, kLeastBudget, kFirstBudget);
  return {stats_.prefill_budget, cost_.PassInTokens()};
}

void EngineLoop::Run(const BatchPlan& plan) {
  if (plan.batches.empty()) return;
  ++stats_.steps;
  double step_ms = 0;
  for (const Batch& batch : plan.batches) {
    const CallShape shape = ShapeOf(batch);
    const Clock::time_point start = Clock::now();
    // Only a call that serves one sequence may stop half-way when that one is cancelled.
    const bool serves_one = batch.front().seq == batch.back().seq;
    const Sequence* owner = Find(batch.front().seq);
    decoder_->UseAdapters(owner->adapters());
    runner_.Run(batch, serves_one ? &owner->request().cancelled : nullptr);
    const double ms = Milliseconds(Clock::now() - start);
    cost_.Learn(shape, ms);
    Verify(batch, ms);
    step_ms += ms;
  }
  stats_.step_ms_mean += (step_ms - stats_.step_ms_mean) * (stats_.steps == 1 ? 1.0 : 0.1);
}

// What the drafts of the batch gained, against the call without them.
void EngineLoop::Verify(const Batch& batch, double ms) {
  const double plain_ms = cost_.Predict(PlainShapeOf(batch));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i > 0 && batch[i].seq == batch[i - 1].seq) continue;
    Sequence* sequence = Find(batch[i].seq);
    if (sequence->draft().empty() || !sequence->is_verified()) continue;
    stats_.drafted_tokens += sequence->draft().size();
    stats_.accepted_draft_tokens += static_cast<std::uint64_t>(sequence->num_accepted());
    sequence->OnVerified(plain_ms > 0 ? (ms + speculator_->draft_ms()) / plain_ms : 1.0);
  }
}

// The batch as it would be without drafts.
CallShape EngineLoop::PlainShapeOf(const Batch& batch) {
  CallShape shape;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const bool is_first = i == 0 || batch[i].seq != batch[i - 1].seq;
    if (!is_first && !Find(batch[i].seq)->draft().empty()) continue;
    ++shape.decode_rows;
    shape.decode_context += batch[i].pos;
  }
  shape.decode_calls = 1;
  return shape;
}

CallShape EngineLoop::ShapeOf(const Batch& batch) {
  CallShape shape;
  for (const Row& row : batch) {
    const Sequence* sequence = Find(row.seq);
    const bool is_chunk =
        sequence->is_prefilling() || sequence->run() > 1 || !sequence->draft().empty();
    ++(is_chunk ? shape.prefill_tokens : shape.decode_rows);
    (is_chunk ? shape.prefill_context : shape.decode_context) += row.pos;
  }
  shape.decode_calls = shape.decode_rows > 0 ? 1 : 0;
  return shape;
}

void EngineLoop::OnEvaluated(const Batch& batch) {
  std::vector<LogitRows> rows;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Sequence* sequence = Find(batch[i].seq);
    const bool is_guess = !rows.empty() && rows.back().sequence == sequence;
    if (sequence->is_prefilling()) ++stats_.prompt_tokens;
    if (!is_guess) sequence->OnEvaluated(1, stats_.steps);
    cache_.OnEvaluated(batch[i].seq, sequence->evaluated());
    if (!batch[i].wants_logits || sequence->is_finished()) continue;
    if (!is_guess) rows.push_back({sequence, {}});
    rows.back().logits.push_back(decoder_->Logits(i));
  }
  SampleRows(rows);
  for (const LogitRows& row : rows) Accept(row.sequence);
}

void EngineLoop::SampleRows(const std::vector<LogitRows>& rows) {
  const DecoderTraits& traits = decoder_->traits();
  const auto num_vocab = static_cast<std::size_t>(traits.num_vocab);
  const std::function<void(std::size_t)> job = [&](std::size_t i) {
    rows[i].sequence->Sample(rows[i].logits, traits.context_size);
  };
  const bool is_shared = sampling::RowPool::IsWorthSharing(rows.size(), num_vocab);
  if (is_shared && decoder_->RunBetweenCalls(rows.size(), job)) return;
  row_pool_.Run(rows.size(), num_vocab, job);
}

void EngineLoop::Accept(Sequence* sequence) {
  const std::int32_t count = sequence->OnSampled(Clock::now());
  const auto num_guesses = static_cast<std::int32_t>(sequence->draft().size());
  if (num_guesses > 0 && !decoder_->Truncate(sequence->seq(), sequence->evaluated())) {
    OnFailed(sequence->seq(), DecodeStatus::kFailed);
  }
  if (count == 0) return;
  stats_.generated_tokens += static_cast<std::uint64_t>(count);
  if (num_guesses == 0) stats_.jumped_tokens += static_cast<std::uint64_t>(count - 1);
  queue_.OnServed(sequence->request(), count);
}

// Nobody gives way for guesses.
void EngineLoop::OnNoRoom(SeqId seq) {
  Sequence* sequence = Find(seq);
  if (sequence->draft().empty()) {
    stalled_.push_back(seq);
  } else {
    sequence->AbandonDraft();
  }
}

void EngineLoop::OnFailed(SeqId seq, DecodeStatus status) {
  Find(seq)->Fail(DecodeError(status), Clock::now());
}

// When the cache has no room, what rests goes first; then the weakest sequence gives its cells up
// and waits for another one to end. A sequence that is alone with the cache cannot be helped.
void EngineLoop::RelievePressure(Clock::time_point now) {
  if (std::exchange(stalled_, {}).empty() || cache_.EvictOne()) return;
  const std::vector<Claim> claims = Claims();
  if (claims.empty()) return;
  const std::size_t weakest = ChooseUnderPressure(claims);
  if (claims.size() > 1) {
    Park(weakest, true);
    cache_.EvictOne();
  } else {
    running_[weakest]->Fail({ErrorCode::kOutOfMemory, "kv_cache", "no room for one sequence"}, now);
  }
}

// Gives contexts back before the news goes out: who sees the end of a request finds its context
// free.
void EngineLoop::Publish() {
  EndFinished();
  CountEvents();
  UpdateGauges();
  {
    const std::lock_guard<std::mutex> lock(stats_mutex_);
    published_stats_ = stats_;
    published_pace_ = pace_;
  }
  outbox_->Put(std::exchange(events_, {}));
}

void EngineLoop::EndFinished() {
  for (const auto& sequence : running_) {
    if (std::optional<Event> event = sequence->MaybeTakeEvent()) {
      events_.push_back(std::move(*event));
    }
    if (!sequence->is_finished()) continue;
    const SeqId seq = sequence->seq();
    cache_.Release(seq, sequence->tokens(), sequence->evaluated(), sequence->prompt_size());
    by_seq_[static_cast<std::size_t>(seq)] = nullptr;
    speculator_->Forget(seq);
    queue_.OnEnded(sequence->request());
    const double ms = HeldMs(*sequence, Clock::now());
    pace_.OnFreed(ms);
    stats_.request_ms_mean +=
        (ms - stats_.request_ms_mean) * (stats_.request_ms_mean > 0 ? 0.1 : 1);
  }
  running_.erase(std::remove_if(running_.begin(), running_.end(),
                                [](const auto& sequence) { return sequence->is_finished(); }),
                 running_.end());
}

Pace EngineLoop::pace() const {
  const std::lock_guard<std::mutex> lock(stats_mutex_);
  return published_pace_;
}

EngineStats EngineLoop::stats() const {
  const std::lock_guard<std::mutex> lock(stats_mutex_);
  return published_stats_;
}

void EngineLoop::CountEvents() {
  for (const Event& event : events_) {
    if (!event.final) continue;
    ++stats_.requests_completed;
    if (event.final->reason == FinishReason::kCancelled) ++stats_.requests_cancelled;
    if (event.final->reason == FinishReason::kError) ++stats_.requests_failed;
  }
}

void EngineLoop::UpdateGauges() {
  stats_.queued = static_cast<std::int32_t>(queue_.size());
  stats_.queued_tokens = queue_.num_tokens();
  stats_.prefilling = stats_.decoding = stats_.waiting = stats_.kv_tokens = 0;
  double age_ms = 0;
  for (const auto& sequence : running_) {
    ++(!sequence->has_begun()      ? stats_.waiting
       : sequence->is_prefilling() ? stats_.prefilling
                                   : stats_.decoding);
    stats_.kv_tokens += sequence->evaluated();
    age_ms += HeldMs(*sequence, step_began_);
  }
  pace_.SetAge(running_.empty() ? 0 : age_ms / static_cast<double>(running_.size()));
  stats_.decode_calls = runner_.num_calls();
  stats_.kv_full_retries = runner_.num_kv_full();
  stats_.draft_failures = speculator_->num_failures();
  stats_.step_error = cost_.error();
  stats_.adapters_loaded = adapters_.store->num_loaded();
  const PrefixStats prefix = cache_.stats();
  stats_.cached_tokens = prefix.attached_tokens;
  stats_.prefix_hits = prefix.hits;
  stats_.prefix_hits_host = prefix.host_hits;
  stats_.prefix_hits_disk = prefix.disk_hits;
  stats_.prefix_copies = prefix.copies;
  stats_.prefix_checkpoints = prefix.checkpoints;
  stats_.prefix_evictions = prefix.evictions;
  stats_.resting_tokens = prefix.resting_tokens;
  stats_.resting_sequences = prefix.resting_sequences;
  stats_.host_cache_bytes = prefix.host_bytes;
  stats_.disk_cache_saves = prefix.disk_saves;
  stats_.disk_cache_failures = prefix.disk_failures;
  stats_.disk_cache_bytes = prefix.disk_bytes;
}

void EngineLoop::EndWaiting(Waiting waiting, FinishReason reason, Error error) {
  queue_.OnEnded(*waiting.request);
  waiting.request->adapters.reset();
  if (!waiting.parked) return EndWithoutContext(*waiting.request, reason, std::move(error));
  waiting.parked->Fail(std::move(error), Clock::now());
  events_.push_back(*waiting.parked->MaybeTakeEvent());
}

void EngineLoop::EndWithoutContext(const RequestState& request, FinishReason reason, Error error) {
  Event event;
  event.request = request.id;
  event.context = request.prompt.context;
  event.final.emplace();
  event.final->reason = error.code == ErrorCode::kCancelled ? FinishReason::kCancelled : reason;
  event.final->error = std::move(error);
  events_.push_back(std::move(event));
}

void EngineLoop::Shutdown() {
  for (const auto& sequence : running_) sequence->Fail(kStopped, Clock::now());
  for (Waiting& waiting : queue_.TakeAll()) {
    EndWaiting(std::move(waiting), FinishReason::kCancelled, kStopped);
  }
  Publish();
  running_.clear();
  cache_.Close();
  Publish();  // what it did
  speculator_.reset();
  decoder_.reset();
}

}  // namespace sentiric
