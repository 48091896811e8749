// SPDX-License-Identifier: AGPL-3.0-only
// The requests that wait for a context, and which of them is next.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "core/scheduling/class_share.h"
#include "core/scheduling/fair_share.h"
#include "core/scheduling/request_state.h"
#include "core/scheduling/sequence.h"
#include "sentiric/engine.h"

namespace sentiric {

struct QueueConfig {
  std::int32_t wait_ms = 0;       // longest wait for a context, preempted or not; <= 0 = no limit
  std::int32_t ageing_ms = 5000;  // a waiting request rises one class in this time
  FairShare::Weights tenant_weights;
};

// A request that never ran, or a sequence that was preempted.
struct Waiting {
  RequestHandle request;
  std::unique_ptr<Sequence> preempted;  // null before its first run
  std::uint64_t ends_before = 0;        // waits until this many requests have ended
  bool is_held = false;                 // see RequestQueue::Hold
};

// Ordered by class (raised by age), then by the tenant that was served least, then by age. One
// thread uses it.
class RequestQueue {
 public:
  explicit RequestQueue(const QueueConfig& config)
      : config_(config), share_(config.tenant_weights) {}

  void Push(RequestHandle request);
  // needs_room: preempted because the KV cache was full; waits until another request ends, unless
  // nothing runs.
  void PushPreempted(std::unique_ptr<Sequence> sequence, bool needs_room);

  // The next request of each class, in the order in which to try them; `is_idle`: nothing runs. A
  // class in its turn goes first and need not wait for room. Valid until the next change.
  std::vector<const Waiting*> Next(Clock::time_point now, bool is_idle,
                                   const ClassTurns& turns) const;
  Waiting Take(const Waiting* next);

  // All requests in the order in which they would get contexts, if nothing changed: as Next() would
  // return them with the tenants of a class in turn. Turns of classes and preemption may change it.
  std::vector<Queued> Line(Clock::time_point now) const;

  // Leaves the request out of Next() until Release, while its adapters are loaded. Its wait goes
  // on.
  void Hold(const Waiting* waiting);
  bool Release(RequestId id);  // false when it no longer waits
  // Removes and returns the request if it still waits.
  std::optional<Waiting> Take(RequestId id);

  // Remove and return the requests that were cancelled, or that waited too long.
  std::vector<Waiting> TakeCancelled();
  std::vector<Waiting> TakeExpired(Clock::time_point now);
  std::vector<Waiting> TakeAll();

  // For the shares of the tenants: tokens were computed for a request, or it ended.
  void OnServed(const RequestState& request, std::int64_t tokens);
  void OnEnded(const RequestState& request);
  // Requests that wait for room may try again.
  void OnRoom() { ++num_ended_; }

  std::size_t num_held() const { return num_held_; }
  std::size_t size() const { return waiting_.size(); }
  std::int64_t num_tokens() const { return num_tokens_; }  // of waiting prompts
  const ByClass& num_by_class() const { return num_by_class_; }

 private:
  void Add(Waiting waiting);
  template <typename Predicate>
  std::vector<Waiting> TakeIf(Predicate is_taken);
  bool IsBefore(const Waiting& a, const Waiting& b, Clock::time_point now) const;
  std::int64_t Rank(const Waiting& waiting, Clock::time_point now) const;
  bool IsExpired(const Waiting& waiting, Clock::time_point now) const;

  const QueueConfig config_;
  FairShare share_;
  std::list<Waiting> waiting_;
  std::int64_t num_tokens_ = 0;
  ByClass num_by_class_{};
  std::size_t num_held_ = 0;
  std::uint64_t num_ended_ = 0;
};

}  // namespace sentiric
