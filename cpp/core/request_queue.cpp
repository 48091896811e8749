// SPDX-License-Identifier: AGPL-3.0-only
#include "core/request_queue.h"

#include <algorithm>

namespace sentiric {
namespace {

template <typename Predicate>
std::vector<RequestHandle> TakeIf(std::deque<RequestHandle>* waiting, Predicate is_taken) {
  const auto rest = std::stable_partition(waiting->begin(), waiting->end(),
                                          [&](const RequestHandle& r) { return !is_taken(*r); });
  std::vector<RequestHandle> taken(rest, waiting->end());
  waiting->erase(rest, waiting->end());
  return taken;
}

}  // namespace

RequestHandle RequestQueue::Pop() {
  if (waiting_.empty()) return nullptr;
  RequestHandle request = std::move(waiting_.front());
  waiting_.pop_front();
  return request;
}

std::vector<RequestHandle> RequestQueue::TakeCancelled() {
  return TakeIf(&waiting_, [](const RequestState& r) { return r.cancelled.load(); });
}

std::vector<RequestHandle> RequestQueue::TakeExpired(Clock::time_point now) {
  return TakeIf(&waiting_, [&](const RequestState& r) {
    const bool waited = wait_ms_ > 0 && now - r.submitted > std::chrono::milliseconds(wait_ms_);
    return waited || r.IsPastDeadline(now);
  });
}

}  // namespace sentiric
