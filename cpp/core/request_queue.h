// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <deque>
#include <vector>

#include "core/request_state.h"

namespace sentiric {

// Prepared requests that wait for a context, first in first out. One thread uses it.
class RequestQueue {
 public:
  // wait_ms: longest time since submit that a request may wait; <= 0 = no limit.
  explicit RequestQueue(std::int32_t wait_ms) : wait_ms_(wait_ms) {}

  void Push(RequestHandle request) { waiting_.push_back(std::move(request)); }
  RequestHandle Pop();  // null when empty

  // Removes and returns the requests that were cancelled, or whose time is over.
  std::vector<RequestHandle> TakeCancelled();
  std::vector<RequestHandle> TakeExpired(Clock::time_point now);

  std::size_t size() const { return waiting_.size(); }

 private:
  const std::int32_t wait_ms_;
  std::deque<RequestHandle> waiting_;
};

}  // namespace sentiric
