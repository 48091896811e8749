// SPDX-License-Identifier: AGPL-3.0-only
// Events on their way from the worker to the one consumer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Thread-safe. All events of a step are put in at once and wake the consumer once.
class Outbox {
 public:
  void Put(std::vector<Event> events);
  // See Engine::WaitEvents.
  bool Wait(std::vector<Event>* events, std::chrono::milliseconds timeout);
  // Wakes the consumer for good; what was put in before can still be taken.
  void Close();
  std::uint64_t num_batches() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  std::vector<Event> events_;      // guarded by mutex_
  bool is_closed_ = false;         // guarded by mutex_
  std::uint64_t num_batches_ = 0;  // guarded by mutex_
};

}  // namespace sentiric
