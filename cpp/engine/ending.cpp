// SPDX-License-Identifier: AGPL-3.0-only
// The part of the loop's step that ends requests and reports what happened.
#include <utility>

#include "engine/engine_loop.h"

namespace sentiric {
namespace {

const Error kExpired{ErrorCode::kDeadlineExceeded, "deadline", "the deadline passed"};
const Error kStopped{ErrorCode::kCancelled, "engine", "the engine was closed"};
const Error kNoContext{ErrorCode::kDeadlineExceeded, "queue", "no context became free in time"};
const Error kPreemptedTooLong{ErrorCode::kDeadlineExceeded, "queue",
                              "preempted, and no context became free in time; the answer is "
                              "incomplete"};
const Error kUnread{ErrorCode::kDeadlineExceeded, "reader",
                    "the client did not read the answer in time; it was cut off"};
const Error kCancelledInQueue{ErrorCode::kCancelled, "request",
                              "cancelled while waiting for a context"};

// Of a request that waited too long in the queue.
const Error& LateError(const Waiting& waiting, Clock::time_point now) {
  if (!waiting.preempted) return kNoContext;
  return waiting.request->IsPastDeadline(now) ? kExpired : kPreemptedTooLong;
}

}  // namespace

// Runs before new requests are admitted, so that they find the freed contexts. Ends are published
// at once: they do not wait for the next decoder call.
void EngineLoop::EndOverdue(Clock::time_point now) {
  for (Waiting& waiting : queue_.TakeCancelled()) {
    EndWaiting(std::move(waiting), kCancelledInQueue);
  }
  for (Waiting& waiting : queue_.TakeExpired(now)) {
    const Error& error = LateError(waiting, now);
    EndWaiting(std::move(waiting), error);
  }
  for (const auto& sequence : running_) {
    if (sequence->request().cancelled.load()) sequence->Finish(FinishReason::kCancelled, now);
    if (sequence->request().IsPastDeadline(now)) sequence->Fail(kExpired, now);
    sequence->NoteReader(now);
    if (IsUnread(*sequence, now)) sequence->Fail(kUnread, now);
  }
  EndFinished();
  if (!events_.empty()) Publish();
}

bool EngineLoop::IsUnread(const Sequence& sequence, Clock::time_point now) const {
  return config_.reader_wait_ms > 0 &&
         sequence.reader_wait(now) > std::chrono::milliseconds(config_.reader_wait_ms);
}

void EngineLoop::EndWaiting(Waiting waiting, Error error) {
  queue_.OnEnded(*waiting.request);
  waiting.request->adapters.reset();
  if (!waiting.preempted) return EndWithoutContext(*waiting.request, std::move(error));
  waiting.preempted->Fail(std::move(error), Clock::now());
  events_.push_back(*waiting.preempted->MaybeTakeEvent());
}

void EngineLoop::EndWithoutContext(const RequestState& request, Error error) {
  Event event;
  event.request = request.id;
  event.truncation = request.prompt.truncation;
  event.final.emplace();
  event.final->finish_reason = FinishReasonOf(error);
  event.final->completion_tokens = static_cast<std::int32_t>(request.request.delivered.size());
  event.final->error = std::move(error);
  events_.push_back(std::move(event));
}

void EngineLoop::EndFinished() {
  for (const auto& sequence : running_) {
    if (std::optional<Event> event = sequence->MaybeTakeEvent()) {
      events_.push_back(std::move(*event));
    }
    if (sequence->is_finished()) ReleaseContext(*sequence);
  }
  running_.DropFinished();
}

void EngineLoop::ReleaseContext(const Sequence& sequence) {
  cache_.Release(sequence.seq(), sequence.tokens(), sequence.evaluated(), sequence.prompt_size());
  speculator_->Forget(sequence.seq());
  queue_.OnEnded(sequence.request());
  stats_.OnFreed(sequence.HeldMs(Clock::now()));
}

// Contexts are released and statistics published before the events: whoever reads the end of a
// request finds its context free and its end counted.
void EngineLoop::Publish() {
  EndFinished();
  GatherStats();
  stats_.Publish();
  outbox_->Put(std::exchange(events_, {}));
}

void EngineLoop::GatherStats() {
  stats_.OnEvents(events_);
  stats_.Gather(queue_, step_began_);
  stats_.Gather(running_, step_began_);
  stats_.Gather(runner_);
  stats_.Gather(cost_);
  stats_.Gather(cache_.stats());
  stats_.SetDraftFailures(speculator_->num_failures());
  stats_.SetAdaptersLoaded(adapters_.store->num_loaded());
}

void EngineLoop::Shutdown() {
  for (const auto& sequence : running_) sequence->Fail(kStopped, Clock::now());
  for (Waiting& waiting : queue_.TakeAll()) {
    EndWaiting(std::move(waiting), kStopped);
  }
  Publish();
  cache_.Close();
  Publish();  // what Close() counted
  speculator_.reset();
  decoder_.reset();
}

}  // namespace sentiric
