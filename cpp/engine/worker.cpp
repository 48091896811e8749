// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/worker.h"

#include <algorithm>
#include <utility>

namespace sentiric {
namespace {

bool Contains(const std::vector<SeqId>& list, SeqId seq) {
  return std::find(list.begin(), list.end(), seq) != list.end();
}

Error DecodeError(DecodeStatus status) {
  if (status == DecodeStatus::kInvalid) {
    return {ErrorCode::kInternal, "decode", "the backend refused the batch"};
  }
  return {ErrorCode::kInternal, "decode", "the backend failed while computing this sequence"};
}

const Error kExpired{ErrorCode::kDeadlineExceeded, "deadline", "the time allowed is over"};
const Error kStopped{ErrorCode::kCancelled, "engine", "the engine was closed"};

}  // namespace

Worker::Worker(std::unique_ptr<Decoder> decoder, std::shared_ptr<SamplerFactory> samplers,
               const WorkerConfig& config, Outbox* outbox)
    : config_(config),
      scheduler_(config.scheduler),
      samplers_(std::move(samplers)),
      outbox_(outbox),
      pool_(decoder->traits().contexts),
      decoder_(std::move(decoder)),
      runner_(decoder_.get(), this),
      queue_(config.queue_wait_ms),
      thread_([this] { Loop(); }) {}

Worker::~Worker() { Stop(); }

void Worker::Add(RequestHandle request) {
  const std::lock_guard<std::mutex> lock(inbox_mutex_);
  inbox_.added.push_back(std::move(request));
  inbox_changed_.notify_one();
}

void Worker::Reject(RequestHandle request, Error error) {
  const std::lock_guard<std::mutex> lock(inbox_mutex_);
  inbox_.rejected.emplace_back(std::move(request), std::move(error));
  inbox_changed_.notify_one();
}

bool Worker::MaybePost(std::function<void()> job) {
  const std::lock_guard<std::mutex> lock(inbox_mutex_);
  if (inbox_.is_stopping) return false;
  inbox_.jobs.push_back(std::move(job));
  inbox_changed_.notify_one();
  return true;
}

void Worker::Wake() {
  const std::lock_guard<std::mutex> lock(inbox_mutex_);
  inbox_.is_woken = true;
  inbox_changed_.notify_one();
}

void Worker::Stop() {
  {
    const std::lock_guard<std::mutex> lock(inbox_mutex_);
    inbox_.is_stopping = true;
    inbox_changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

EngineStats Worker::stats() const {
  const std::lock_guard<std::mutex> lock(stats_mutex_);
  return published_stats_;
}

void Worker::Loop() {
  for (;;) {
    Inbox inbox = WaitForWork();
    const bool is_stopping = inbox.is_stopping;
    Step(std::move(inbox));
    if (is_stopping) return Shutdown();
  }
}

Worker::Inbox Worker::WaitForWork() {
  std::unique_lock<std::mutex> lock(inbox_mutex_);
  const bool is_idle = running_.empty() && queue_.size() == 0;
  if (is_idle) inbox_changed_.wait(lock, [this] { return !inbox_.empty(); });
  const bool is_stopping = inbox_.is_stopping;
  Inbox taken = std::exchange(inbox_, Inbox{});
  inbox_.is_stopping = is_stopping;  // stays: what arrives later must not wait for ever
  return taken;
}

void Worker::Step(Inbox inbox) {
  const Clock::time_point now = Clock::now();
  for (RequestHandle& request : inbox.added) queue_.Push(std::move(request));
  for (auto& [request, error] : inbox.rejected) {
    EndWithoutContext(request, FinishReason::kError, std::move(error));
  }
  EndWaiting(now);
  EndRunning(now);
  Admit(now);
  MakeRoomInFullContexts(now);
  if (!inbox.is_stopping) Run(scheduler_.Plan(Views()));
  RelievePressure(Clock::now());
  Publish();
  for (auto& job : inbox.jobs) job();
}

void Worker::EndWaiting(Clock::time_point now) {
  for (const RequestHandle& request : queue_.TakeCancelled()) {
    EndWithoutContext(request, FinishReason::kCancelled,
                      {ErrorCode::kCancelled, "request", "cancelled while it waited"});
  }
  for (const RequestHandle& request : queue_.TakeExpired(now)) {
    EndWithoutContext(request, FinishReason::kError,
                      {ErrorCode::kDeadlineExceeded, "queue", "no context became free in time"});
  }
}

void Worker::EndRunning(Clock::time_point now) {
  for (Sequence& sequence : running_) {
    if (sequence.request().cancelled.load()) sequence.Finish(FinishReason::kCancelled, now);
    if (sequence.request().IsPastDeadline(now)) sequence.Fail(kExpired, now);
  }
  Publish();  // frees their contexts before new requests are admitted
}

void Worker::Admit(Clock::time_point now) {
  while (queue_.size() > 0) {
    std::optional<ContextLease> lease = pool_.MaybeLease();
    if (!lease) return;
    RequestHandle request = queue_.Pop();
    auto sampler = samplers_->Create(request->request, request->prompt);
    if (!sampler) {
      EndWithoutContext(request, FinishReason::kError, sampler.error());
      continue;
    }
    running_.emplace_back(std::move(request), std::move(*lease), std::move(sampler).value(), now);
  }
}

// A context that is full to the last position drops half of what follows the kept head. The head
// stays whole unless it leaves less than an eighth of the context to move in.
void Worker::MakeRoomInFullContexts(Clock::time_point now) {
  const DecoderTraits& traits = decoder_->traits();
  for (Sequence& sequence : running_) {
    if (sequence.is_finished() || sequence.evaluated() < traits.context_size) continue;
    const std::int32_t keep =
        std::min(sequence.keep(), traits.context_size - traits.context_size / 8);
    const std::int32_t count = (sequence.evaluated() - keep) / 2;
    if (!traits.can_shift || !sequence.request().request.shift || count < 1) {
      sequence.Finish(FinishReason::kLength, now);
      continue;
    }
    decoder_->Shift(sequence.seq(), keep, count);
    sequence.OnShifted(keep, count);
    ++stats_.shifts;
    stats_.shifted_tokens += static_cast<std::uint64_t>(count);
  }
}

std::vector<SequenceView> Worker::Views() const {
  std::vector<SequenceView> views;
  for (const Sequence& sequence : running_) {
    if (!sequence.is_finished() && !Contains(parked_, sequence.seq())) {
      views.push_back(sequence.View());
    }
  }
  return views;
}

void Worker::Run(const BatchPlan& plan) {
  rows_of_step_ = 0;
  if (plan.batches.empty()) return;
  ++stats_.steps;
  const Clock::time_point start = Clock::now();
  for (const Batch& batch : plan.batches) {
    // Only a call that serves one sequence may stop half-way when that one is cancelled.
    const bool serves_one = batch.front().seq == batch.back().seq;
    const Sequence* owner = Find(batch.front().seq);
    runner_.Run(batch, serves_one ? &owner->request().cancelled : nullptr);
  }
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  stats_.step_ms_mean += (ms - stats_.step_ms_mean) * (stats_.steps == 1 ? 1.0 : 0.1);
}

void Worker::OnEvaluated(const Batch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Sequence* sequence = Find(batch[i].seq);
    if (sequence->is_prefilling()) ++stats_.prompt_tokens;
    sequence->OnEvaluated(1, stats_.steps);
    if (!batch[i].wants_logits || sequence->is_finished()) continue;
    if (sequence->OnLogits(decoder_->Logits(i), Clock::now())) ++stats_.generated_tokens;
  }
  rows_of_step_ += batch.size();
}

void Worker::OnNoRoom(SeqId seq) { stalled_.push_back(seq); }

void Worker::OnFailed(SeqId seq, DecodeStatus status) {
  Find(seq)->Fail(DecodeError(status), Clock::now());
}

// When the cache has no room and nothing moved, the youngest sequence gives its cells up and waits
// for another one to end. A sequence that is alone with the cache cannot be helped.
void Worker::RelievePressure(Clock::time_point now) {
  if (std::exchange(stalled_, {}).empty() || rows_of_step_ > 0) return;
  std::vector<Sequence*> holders;
  for (Sequence& sequence : running_) {
    if (!sequence.is_finished() && !Contains(parked_, sequence.seq())) holders.push_back(&sequence);
  }
  if (holders.size() > 1) {
    decoder_->Clear(holders.back()->seq());
    holders.back()->OnParked();
    parked_.push_back(holders.back()->seq());
  } else if (!holders.empty()) {
    holders.front()->Fail({ErrorCode::kOutOfMemory, "kv_cache", "no room for one sequence"}, now);
  }
}

// Gives contexts back before the news goes out: who sees the end of a request finds its context
// free.
void Worker::Publish() {
  for (auto it = running_.begin(); it != running_.end();) {
    if (std::optional<Event> event = it->MaybeTakeEvent()) events_.push_back(std::move(*event));
    if (!it->is_finished()) {
      ++it;
      continue;
    }
    decoder_->Clear(it->seq());
    it = running_.erase(it);
    parked_.clear();
  }
  for (const Event& event : events_) {
    if (!event.final) continue;
    ++stats_.requests_completed;
    if (event.final->reason == FinishReason::kCancelled) ++stats_.requests_cancelled;
    if (event.final->reason == FinishReason::kError) ++stats_.requests_failed;
  }
  stats_.queued = static_cast<std::int32_t>(queue_.size());
  stats_.prefilling = stats_.decoding = stats_.kv_tokens = 0;
  for (const Sequence& sequence : running_) {
    ++(sequence.is_prefilling() ? stats_.prefilling : stats_.decoding);
    stats_.kv_tokens += sequence.evaluated();
  }
  stats_.decode_calls = runner_.num_calls();
  stats_.kv_full_retries = runner_.num_kv_full();
  {
    const std::lock_guard<std::mutex> lock(stats_mutex_);
    published_stats_ = stats_;
  }
  outbox_->Put(std::exchange(events_, {}));
}

void Worker::EndWithoutContext(const RequestHandle& request, FinishReason reason, Error error) {
  Event event;
  event.request = request->id;
  event.context = request->prompt.context;
  event.final.emplace();
  event.final->reason = error.code == ErrorCode::kCancelled ? FinishReason::kCancelled : reason;
  event.final->error = std::move(error);
  events_.push_back(std::move(event));
}

void Worker::Shutdown() {
  for (Sequence& sequence : running_) sequence.Fail(kStopped, Clock::now());
  while (RequestHandle request = queue_.Pop()) {
    EndWithoutContext(request, FinishReason::kCancelled, kStopped);
  }
  Publish();
  decoder_.reset();
}

Sequence* Worker::Find(SeqId seq) {
  const auto found = std::find_if(running_.begin(), running_.end(),
                                  [seq](const Sequence& s) { return s.seq() == seq; });
  return found == running_.end() ? nullptr : &*found;
}

}  // namespace sentiric
