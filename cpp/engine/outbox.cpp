// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/outbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sentiric {
namespace {

template <typename T>
void Append(std::vector<T> from, std::vector<T>* to) {
  std::move(from.begin(), from.end(), std::back_inserter(*to));
}

// Appends a later event of the same request: its text is added, its reports replace the earlier
// ones.
void Join(Event later, Event* event) {
  event->text += later.text;
  Append(std::move(later.tokens), &event->tokens);
  Append(std::move(later.logprobs), &event->logprobs);
  Append(std::move(later.prompt_logprobs), &event->prompt_logprobs);
  event->truncation = later.truncation;
  event->final = std::move(later.final);
}

}  // namespace

void Outbox::Put(std::vector<Event> events) {
  if (events.empty()) return;
  bool wakes = false;
  {
    const MutexLock lock(&mutex_);
    const bool was_empty = events_.empty(), was_urgent = is_urgent_;
    for (Event& event : events) Add(std::move(event));
    ++num_batches_;
    wakes = was_empty || is_urgent_ != was_urgent;
  }
  if (wakes) not_empty_.NotifyOne();
}

void Outbox::Add(Event event) {
  is_urgent_ = is_urgent_ || event.is_first || event.final;
  if (interval_.count() == 0) return events_.push_back(std::move(event));
  const auto [place, is_new] = index_of_.try_emplace(event.request, events_.size());
  if (is_new) return events_.push_back(std::move(event));
  Join(std::move(event), &events_[place->second]);
}

bool Outbox::Wait(std::vector<Event>* events, std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const MutexLock lock(&mutex_);
  while (events_.empty() && !is_closed_ && not_empty_.WaitUntil(&mutex_, deadline)) {
  }
  if (interval_.count() > 0 && !events_.empty()) {
    const Clock::time_point until = std::min(deadline, next_wake_);
    while (!is_urgent_ && !is_closed_ && not_empty_.WaitUntil(&mutex_, until)) {
    }
    next_wake_ = Clock::now() + interval_;
  }
  const bool is_drained = events_.empty() && is_closed_;
  Append(std::exchange(events_, {}), events);
  index_of_.clear();
  is_urgent_ = false;
  return !is_drained;
}

void Outbox::Close() {
  {
    const MutexLock lock(&mutex_);
    is_closed_ = true;
  }
  not_empty_.NotifyAll();
}

std::uint64_t Outbox::num_batches() const {
  const MutexLock lock(&mutex_);
  return num_batches_;
}

}  // namespace sentiric
