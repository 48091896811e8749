// SPDX-License-Identifier: AGPL-3.0-only
// Events on their way from the worker to the one consumer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Thread-safe. All events of a step are put in at once and wake the consumer once. With an interval
// the consumer is woken no more often than that, and what one request has to say meanwhile becomes
// one event; but the first tokens of a request and its end wait for nothing.
class Outbox {
 public:
  explicit Outbox(std::chrono::milliseconds interval = {}) : interval_(interval) {}

  void Put(std::vector<Event> events);
  // See Engine::WaitEvents.
  bool Wait(std::vector<Event>* events, std::chrono::milliseconds timeout);
  // Wakes the consumer for good; what was put in before can still be taken.
  void Close();
  std::uint64_t num_batches() const;

 private:
  using Clock = std::chrono::steady_clock;

  void Add(Event event);

  const std::chrono::milliseconds interval_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  // All that follows is guarded by mutex_.
  std::vector<Event> events_;
  std::unordered_map<RequestId, std::size_t> index_of_;  // of a request's event; with an interval
  Clock::time_point next_wake_;
  bool is_urgent_ = false;
  bool is_closed_ = false;
  std::uint64_t num_batches_ = 0;
};

}  // namespace sentiric
