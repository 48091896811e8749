// SPDX-License-Identifier: AGPL-3.0-only
#include "core/outbox.h"

#include <iterator>
#include <utility>

namespace sentiric {

void Outbox::Put(std::vector<Event> events) {
  if (events.empty()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::move(events.begin(), events.end(), std::back_inserter(events_));
    ++num_batches_;
  }
  not_empty_.notify_one();
}

bool Outbox::Wait(std::vector<Event>* events, std::chrono::milliseconds timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  not_empty_.wait_for(lock, timeout, [this] { return !events_.empty() || is_closed_; });
  const bool is_drained = events_.empty() && is_closed_;
  std::move(events_.begin(), events_.end(), std::back_inserter(*events));
  events_.clear();
  return !is_drained;
}

void Outbox::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
  }
  not_empty_.notify_all();
}

std::uint64_t Outbox::num_batches() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return num_batches_;
}

}  // namespace sentiric
