// SPDX-License-Identifier: AGPL-3.0-only
// The part of the loop's step that decides who runs: who gets a context, and who gives one up.
#include <utility>

#include "engine/engine_loop.h"

namespace sentiric {

void EngineLoop::Admit(Clock::time_point now) {
  while (queue_.size() > 0 && MaybeStartOne(now)) {
  }
}

// False when nobody who waits can have a context now.
bool EngineLoop::MaybeStartOne(Clock::time_point now) {
  const std::vector<const Waiting*> next = queue_.Next(now, running_.empty(), turns_);
  for (const Waiting* waiting : next) {
    if (!MaybeMakeWay(*waiting, next.size() > 1)) continue;
    if (MaybeStart(*waiting, now)) return true;
  }
  return false;
}

// True when there is a context for it, free within its class's share or given up by another one.
// Nobody makes way for a request whose adapters are not there yet.
bool EngineLoop::MaybeMakeWay(const Waiting& next, bool has_rivals) {
  const Claim claim = ClaimOf(*next.request);
  const std::int32_t contexts = decoder_->traits().contexts;
  const std::vector<Claim> running = Claims();
  const std::int32_t held = HeldByClass(running)[ClassIndex(claim.priority)];
  const bool is_free = static_cast<std::int32_t>(running.size()) < contexts;
  if (is_free && (!has_rivals || held < ClassLimit(contexts))) return true;
  const auto victim = ChooseVictim(claim, running, contexts);
  if (!victim) return false;
  if (next.parked || HasAdapters(next.request)) Park(*victim, false);
  return true;
}

// False when there is no context for it. A request whose sampler cannot be made ends here; one
// whose adapters are not in memory lets others go before it until they are.
bool EngineLoop::MaybeStart(const Waiting& next, Clock::time_point now) {
  if (!next.parked && !HasAdapters(next.request)) {
    const RequestHandle request = next.request;
    queue_.Hold(&next);
    adapters_.load(request);
    return true;
  }
  const RequestState& state = *next.request;
  const PrefixWant fresh{
      state.scope, state.prompt.tokens,  static_cast<std::int32_t>(state.prompt.tokens.size()),
      state.id,    state.prompt.opening, state.prompt.keep};
  const PrefixWant want = next.parked ? next.parked->Want() : fresh;
  std::optional<ContextLease> lease = cache_.Lease(want);
  if (!lease) return false;
  Waiting taken = queue_.Take(&next);
  if (taken.parked) ++stats_.resumes;
  const SeqId seq = lease->seq();
  auto sequence = taken.parked ? std::move(taken.parked) : MakeSequence(taken.request, now);
  if (!sequence) {
    cache_.Discard(seq);
    return true;
  }
  by_seq_[static_cast<std::size_t>(seq)] = sequence.get();
  sequence->Place(std::move(*lease), now);
  running_.push_back(std::move(sequence));
  return true;
}

std::unique_ptr<Sequence> EngineLoop::MakeSequence(const RequestHandle& request,
                                                   Clock::time_point now) {
  auto sampler = samplers_->Create(request->request, request->prompt);
  AdapterSetHandle adapters = std::exchange(request->adapters, nullptr);
  if (sampler) {
    return std::make_unique<Sequence>(request, std::move(sampler).value(), std::move(adapters),
                                      now);
  }
  EndWithoutContext(*request, FinishReason::kError, sampler.error());
  queue_.OnEnded(*request);
  return nullptr;
}

// True when the request needs none, or all of them are in memory and stay there for it.
bool EngineLoop::HasAdapters(const RequestHandle& request) {
  if (request->request.adapters.empty() || request->adapters) return true;
  request->adapters = adapters_.store->Find(request->request.adapters);
  return request->adapters != nullptr;
}

// Its cells rest: if they are still there when it comes back, nothing is computed again.
void EngineLoop::Park(std::size_t index, bool needs_room) {
  std::unique_ptr<Sequence> sequence = std::move(running_[index]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
  const SeqId seq = sequence->seq();
  cache_.Release(seq, sequence->tokens(), sequence->evaluated(), sequence->prompt_size());
  by_seq_[static_cast<std::size_t>(seq)] = nullptr;
  speculator_->Forget(seq);
  sequence->Park(step_began_);
  queue_.Park(std::move(sequence), needs_room);
  ++stats_.preemptions;
}

// A class that waited long with nothing running gets its turn; when one ends, who gave way for it
// may try again.
void EngineLoop::TakeTurns() {
  if (queue_.size() == 0 && running_.empty()) return;
  ByClass held{}, advanced{};
  for (const auto& sequence : running_) {
    const std::size_t i = ClassIndex(sequence->request().request.priority);
    ++held[i];
    advanced[i] += sequence->Advance() ? 1 : 0;
  }
  if (turns_.OnStep(held, queue_.num_by_class(), advanced)) queue_.OnRoom();
}

Claim EngineLoop::ClaimOf(const RequestState& state) const {
  const Priority priority = state.request.priority;
  return {priority, state.request.tenant, state.id, turns_.IsDue(priority)};
}

std::vector<Claim> EngineLoop::Claims() const {
  std::vector<Claim> claims;
  for (const auto& sequence : running_) claims.push_back(ClaimOf(sequence->request()));
  return claims;
}

}  // namespace sentiric
