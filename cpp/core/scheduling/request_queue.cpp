// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/request_queue.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace sentiric {
namespace {

std::int64_t NumTokens(const Waiting& waiting) {
  return static_cast<std::int64_t>(waiting.request->prompt.tokens.size());
}

}  // namespace

void RequestQueue::Push(RequestHandle request) {
  share_.Enter(request->request.tenant);
  Waiting waiting;
  waiting.request = std::move(request);
  Add(std::move(waiting));
}

void RequestQueue::PushPreempted(std::unique_ptr<Sequence> sequence, bool needs_room) {
  Waiting waiting;
  waiting.request = sequence->handle();
  waiting.preempted = std::move(sequence);
  waiting.ends_before = needs_room ? num_ended_ + 1 : num_ended_;
  Add(std::move(waiting));
}

void RequestQueue::Add(Waiting waiting) {
  num_tokens_ += NumTokens(waiting);
  ++num_by_class_[ClassIndex(waiting.request->request.priority)];
  waiting_.push_back(std::move(waiting));
}

std::vector<const Waiting*> RequestQueue::Next(Clock::time_point now, bool is_idle,
                                               const ClassTurns& turns) const {
  std::array<const Waiting*, 3> best{};
  for (const Waiting& waiting : waiting_) {
    const Priority priority = waiting.request->request.priority;
    const bool needs_room = waiting.ends_before > num_ended_ && !is_idle && !turns.IsDue(priority);
    if (waiting.is_held || needs_room) continue;
    const Waiting*& first = best[ClassIndex(priority)];
    if (first == nullptr || IsBefore(waiting, *first, now)) first = &waiting;
  }
  std::vector<const Waiting*> next;
  std::copy_if(best.begin(), best.end(), std::back_inserter(next),
               [](const Waiting* waiting) { return waiting != nullptr; });
  std::sort(next.begin(), next.end(), [&](const Waiting* a, const Waiting* b) {
    const bool is_due_a = turns.IsDue(a->request->request.priority);
    const bool is_due_b = turns.IsDue(b->request->request.priority);
    return is_due_a != is_due_b ? is_due_a : IsBefore(*a, *b, now);
  });
  return next;
}

std::vector<Queued> RequestQueue::Line(Clock::time_point now) const {
  struct Place {
    std::int64_t rank, turn;
    double served;
    Queued queued;
    const std::string* tenant;
  };
  std::vector<Place> places;
  for (const Waiting& waiting : waiting_) {
    const RequestState& state = *waiting.request;
    const std::string& tenant = state.request.tenant;
    places.push_back(
        {Rank(waiting, now), 0, share_.served(tenant), {state.id, state.request.tag}, &tenant});
  }
  const auto key = [](const Place& p) {
    return std::tie(p.rank, p.turn, p.served, p.queued.request);
  };
  const auto is_before = [&key](const Place& a, const Place& b) { return key(a) < key(b); };
  std::sort(places.begin(), places.end(), is_before);
  std::map<std::pair<std::int64_t, std::string>, std::int64_t> turns;
  for (Place& place : places) place.turn = turns[{place.rank, *place.tenant}]++;
  std::sort(places.begin(), places.end(), is_before);
  std::vector<Queued> line;
  for (const Place& place : places) line.push_back(place.queued);
  return line;
}

Waiting RequestQueue::Take(const Waiting* next) {
  std::vector<Waiting> taken = TakeIf([next](const Waiting& waiting) { return &waiting == next; });
  return std::move(taken.front());
}

std::optional<Waiting> RequestQueue::Take(RequestId id) {
  std::vector<Waiting> taken =
      TakeIf([id](const Waiting& waiting) { return waiting.request->id == id; });
  if (taken.empty()) return std::nullopt;
  return std::move(taken.front());
}

void RequestQueue::Hold(const Waiting* held) {
  for (Waiting& waiting : waiting_) {
    if (&waiting != held || std::exchange(waiting.is_held, true)) continue;
    ++num_held_;
  }
}

bool RequestQueue::Release(RequestId id) {
  for (Waiting& waiting : waiting_) {
    if (waiting.request->id != id) continue;
    if (std::exchange(waiting.is_held, false)) --num_held_;
    return true;
  }
  return false;
}

bool RequestQueue::IsBefore(const Waiting& a, const Waiting& b, Clock::time_point now) const {
  const std::int64_t rank_a = Rank(a, now), rank_b = Rank(b, now);
  if (rank_a != rank_b) return rank_a < rank_b;
  const double served_a = share_.served(a.request->request.tenant);
  const double served_b = share_.served(b.request->request.tenant);
  return served_a != served_b ? served_a < served_b : a.request->id < b.request->id;
}

// The class (0 first) minus one for each ageing period.
std::int64_t RequestQueue::Rank(const Waiting& waiting, Clock::time_point now) const {
  const auto own = static_cast<std::int64_t>(waiting.request->request.priority);
  if (config_.ageing_ms <= 0) return own;
  const auto waited = now - waiting.request->submitted;
  return std::max<std::int64_t>(0, own - waited / std::chrono::milliseconds(config_.ageing_ms));
}

std::vector<Waiting> RequestQueue::TakeCancelled() {
  return TakeIf([](const Waiting& waiting) { return waiting.request->cancelled.load(); });
}

std::vector<Waiting> RequestQueue::TakeExpired(Clock::time_point now) {
  return TakeIf([&](const Waiting& waiting) { return IsExpired(waiting, now); });
}

std::vector<Waiting> RequestQueue::TakeAll() {
  return TakeIf([](const Waiting&) { return true; });
}

// All time without a context counts, before the first one and after preemptions.
bool RequestQueue::IsExpired(const Waiting& waiting, Clock::time_point now) const {
  const RequestState& state = *waiting.request;
  if (state.IsPastDeadline(now)) return true;
  const std::int32_t own = state.request.queue_wait_ms;
  const std::int32_t wait_ms = own > 0 ? own : config_.wait_ms;
  const auto waited = waiting.preempted ? waiting.preempted->Waited(now) : now - state.submitted;
  return wait_ms > 0 && waited > std::chrono::milliseconds(wait_ms);
}

template <typename Predicate>
std::vector<Waiting> RequestQueue::TakeIf(Predicate is_taken) {
  std::vector<Waiting> taken;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (!is_taken(*it)) {
      ++it;
      continue;
    }
    num_tokens_ -= NumTokens(*it);
    --num_by_class_[ClassIndex(it->request->request.priority)];
    num_held_ -= it->is_held ? 1 : 0;
    taken.push_back(std::move(*it));
    it = waiting_.erase(it);
  }
  return taken;
}

void RequestQueue::OnServed(const RequestState& request, std::int64_t tokens) {
  share_.Charge(request.request.tenant, tokens);
}

void RequestQueue::OnEnded(const RequestState& request) {
  ++num_ended_;
  share_.Leave(request.request.tenant);
}

}  // namespace sentiric
