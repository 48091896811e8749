// SPDX-License-Identifier: AGPL-3.0-only
#include "core/request_queue.h"

#include <algorithm>
#include <utility>

namespace sentiric {
namespace {

std::int64_t NumTokens(const Waiting& waiting) {
  return static_cast<std::int64_t>(waiting.request->prompt.tokens.size());
}

}  // namespace

void RequestQueue::Push(RequestHandle request) {
  share_.Enter(request->request.tenant);
  waiting_.push_back({std::move(request), nullptr, 0});
  num_tokens_ += NumTokens(waiting_.back());
}

void RequestQueue::Park(std::unique_ptr<Sequence> sequence, bool needs_room) {
  RequestHandle request = sequence->handle();
  waiting_.push_back(
      {std::move(request), std::move(sequence), needs_room ? num_ended_ + 1 : num_ended_});
  num_tokens_ += NumTokens(waiting_.back());
}

const Waiting* RequestQueue::Next(Clock::time_point now, bool is_idle) const {
  const Waiting* best = nullptr;
  for (const Waiting& waiting : waiting_) {
    if (waiting.ends_before > num_ended_ && !is_idle) continue;
    if (best == nullptr || IsBefore(waiting, *best, now)) best = &waiting;
  }
  return best;
}

Waiting RequestQueue::Take(const Waiting* next) {
  std::vector<Waiting> taken = TakeIf([next](const Waiting& waiting) { return &waiting == next; });
  return std::move(taken.front());
}

bool RequestQueue::IsBefore(const Waiting& a, const Waiting& b, Clock::time_point now) const {
  const std::int64_t rank_a = Rank(a, now), rank_b = Rank(b, now);
  if (rank_a != rank_b) return rank_a < rank_b;
  const double served_a = share_.served(a.request->request.tenant);
  const double served_b = share_.served(b.request->request.tenant);
  return served_a != served_b ? served_a < served_b : a.request->id < b.request->id;
}

// The class, 0 first, less one for each ageing period.
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

// A parked sequence has begun to answer: only its total time counts.
bool RequestQueue::IsExpired(const Waiting& waiting, Clock::time_point now) const {
  const RequestState& state = *waiting.request;
  if (state.IsPastDeadline(now)) return true;
  const std::int32_t own = state.request.queue_wait_ms;
  const std::int32_t wait_ms = own > 0 ? own : config_.wait_ms;
  return !waiting.parked && wait_ms > 0 &&
         now - state.submitted > std::chrono::milliseconds(wait_ms);
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
