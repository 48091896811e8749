// SPDX-License-Identifier: AGPL-3.0-only
// Passes events from the worker to its only consumer.
#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/sync/mutex.h"
#include "sentiric/types.h"

namespace sentiric {

// Thread-safe. All events of a step are put in at once and wake the consumer once. With an
// interval, the consumer is woken at most that often, and the events of a request in between are
// joined into one. The first tokens of a request and its end wake the consumer at once.
class Outbox {
 public:
  explicit Outbox(std::chrono::milliseconds interval = {}) : interval_(interval) {}

  void Put(std::vector<Event> events);
  // See Engine::WaitEvents.
  bool Wait(std::vector<Event>* events, std::chrono::milliseconds timeout);
  // Wakes the consumer for good; earlier events can still be taken.
  void Close();
  std::uint64_t num_batches() const;

 private:
  using Clock = std::chrono::steady_clock;

  void Add(Event event) REQUIRES(mutex_);

  const std::chrono::milliseconds interval_;
  mutable Mutex mutex_;
  CondVar not_empty_;
  std::vector<Event> events_ GUARDED_BY(mutex_);
  // Index of a request's event in events_; used with an interval only.
  std::unordered_map<RequestId, std::size_t> index_of_ GUARDED_BY(mutex_);
  Clock::time_point next_wake_ GUARDED_BY(mutex_);
  bool is_urgent_ GUARDED_BY(mutex_) = false;
  bool is_closed_ GUARDED_BY(mutex_) = false;
  std::uint64_t num_batches_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sentiric
