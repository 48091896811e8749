// SPDX-License-Identifier: AGPL-3.0-only
// The part of the loop's step that decides which requests wait, which get a context, and which are
// preempted.
#include <algorithm>
#include <utility>

#include "core/scheduling/milliseconds.h"
#include "engine/engine_loop.h"

namespace sentiric {
namespace {

PrefixRequest PrefixOf(const RequestState& state) {
  const PreparedPrompt& prompt = state.prompt;
  const auto size = static_cast<std::int32_t>(prompt.tokens.size());
  const std::int32_t most = state.scores_prompt() ? 0 : INT32_MAX;
  return {state.scope, prompt.tokens,      size, state.id, prompt.opening,
          prompt.keep, !state.is_prefix(), most};
}

}  // namespace

void EngineLoop::TakeIn(Input input) {
  for (auto& [request, error] : input.rejected) {
    EndWithoutContext(*request, std::move(error));
  }
  for (RequestHandle& request : input.added) {
    const auto tokens = static_cast<std::int64_t>(request->prompt.tokens.size());
    const std::int64_t limit = config_.queue_tokens;
    const bool is_new = !request->request.resumed;
    if (MaybeEndCovered(*request)) continue;
    if (is_new && limit > 0 && queue_.size() > 0 && queue_.num_tokens() + tokens > limit) {
      EndWithoutContext(*request, TooManyTokens(queue_.num_tokens() + tokens));
    } else {
      queue_.Push(std::move(request));
    }
  }
  for (auto& [request, adapters] : input.loaded) TakeLoaded(request, std::move(adapters));
}

// A prefix that the KV cache holds already needs no context, so it neither waits for one nor takes
// one from what is cached.
bool EngineLoop::MaybeEndCovered(const RequestState& request) {
  const std::int32_t covered = cache_.Covered(PrefixOf(request));
  if (covered == 0) return false;
  Event event;
  event.request = request.id;
  event.truncation = request.prompt.truncation;
  event.final.emplace();
  event.final->finish_reason = FinishReason::kLength;
  event.final->prompt_tokens = NumTokens(request.prompt.tokens);
  event.final->timings.cache_n = covered;
  event.final->timings.queue_ms = Milliseconds(step_began_ - request.submitted);
  events_.push_back(std::move(event));
  return true;
}

Error EngineLoop::TooManyTokens(std::int64_t tokens) const {
  return {ErrorCode::kOverloaded, "queue",
          "too many prompt tokens are queued; got " + std::to_string(tokens) + ", allowed " +
              std::to_string(config_.queue_tokens),
          stats_.RoomMs(queue_.size(), decoder_->traits().contexts)};
}

// Does nothing when the request has ended meanwhile.
void EngineLoop::TakeLoaded(const RequestHandle& request, Result<AdapterSetHandle> adapters) {
  if (!queue_.Release(request->id)) return;
  if (adapters) {
    request->adapters = std::move(adapters).value();
  } else {
    EndWaiting(*queue_.Take(request->id), adapters.error());
  }
}

void EngineLoop::Admit(Clock::time_point now) {
  while (queue_.size() > 0 && MaybeStartOne(now)) {
  }
  BeginSequences(now);
}

// False when no waiting request can have a context now.
bool EngineLoop::MaybeStartOne(Clock::time_point now) {
  const std::vector<const Waiting*> next = queue_.Next(now, running_.empty(), turns_);
  for (const Waiting* waiting : next) {
    if (!MaybeMakeWay(*waiting, next.size() > 1)) continue;
    if (MaybeStart(*waiting, now)) return true;
  }
  return false;
}

// True when the request can have a context: a free one within its class's share, or that of a
// sequence which may be preempted. None is preempted for a request whose adapters are not loaded.
bool EngineLoop::MaybeMakeWay(const Waiting& next, bool has_rivals) {
  const Claim claim = ClaimOf(*next.request);
  const std::int32_t contexts = decoder_->traits().contexts;
  const std::vector<Claim> running = Claims();
  const std::int32_t held = HeldByClass(running)[ClassIndex(claim.priority)];
  const bool is_free = static_cast<std::int32_t>(running.size()) < contexts;
  if (is_free && (!has_rivals || held < ClassLimit(contexts))) return true;
  const auto victim = ChooseVictim(claim, running, contexts);
  if (!victim) return false;
  if (next.preempted || HasAdapters(next.request)) Preempt(*victim, false);
  return true;
}

// False when there is no context for the request. It ends here if its sequence cannot be made. If
// its adapters are not in memory, others go before it until they are loaded.
bool EngineLoop::MaybeStart(const Waiting& next, Clock::time_point now) {
  if (!next.preempted && !HasAdapters(next.request)) {
    const RequestHandle request = next.request;
    queue_.Hold(&next);
    adapters_.load(request);
    return true;
  }
  std::optional<ContextLease> lease =
      cache_.Lease(next.preempted ? next.preempted->prefix_request() : PrefixOf(*next.request));
  if (!lease) return false;
  Waiting taken = queue_.Take(&next);
  if (taken.preempted) stats_.OnResumed();
  auto sequence = taken.preempted ? std::move(taken.preempted) : MakeSequence(taken.request, now);
  if (!sequence) {
    cache_.Discard(lease->seq());
    return true;
  }
  sequence->Place(std::move(*lease), now);
  running_.Add(std::move(sequence));
  return true;
}

std::unique_ptr<Sequence> EngineLoop::MakeSequence(const RequestHandle& request,
                                                   Clock::time_point now) {
  AdapterSetHandle adapters = std::exchange(request->adapters, nullptr);
  auto sampler = samplers_->Create(request->request, request->prompt);
  if (!sampler) return Refuse(*request, sampler.error());
  auto sequence = std::make_unique<Sequence>(request, std::move(sampler).value(),
                                             std::move(adapters), decoder_->traits(), now);
  const Result<std::int32_t> num_new = sequence->Resume(now);
  if (!num_new) return Refuse(*request, num_new.error());
  if (*num_new > 0) {
    stats_.OnForced(*num_new);
    queue_.OnServed(*request, *num_new);
  }
  return sequence;
}

std::unique_ptr<Sequence> EngineLoop::Refuse(const RequestState& request, Error error) {
  EndWithoutContext(request, std::move(error));
  queue_.OnEnded(request);
  return nullptr;
}

// True when the request names no adapters, or all of them are in memory; it then holds them.
bool EngineLoop::HasAdapters(const RequestHandle& request) {
  if (request->request.adapters.empty() || request->adapters) return true;
  request->adapters = adapters_.store->Find(request->request.adapters);
  return request->adapters != nullptr;
}

// A sequence that waits for another one to compute its prefix begins in a later step.
void EngineLoop::BeginSequences(Clock::time_point now) {
  for (const auto& sequence : running_) {
    if (sequence->has_begun() || sequence->is_finished()) continue;
    const Beginning begun = cache_.Begin(sequence->seq(), sequence->prefix_request());
    if (begun.waits) continue;
    sequence->Begin(begun.length, num_steps_);
    if (sequence->is_covered()) sequence->Finish(FinishReason::kLength, now);
    queue_.OnServed(sequence->request(), std::max(0, sequence->prompt_size() - begun.length));
  }
}

// The cells stay cached: if they are still there when the sequence resumes, nothing is recomputed.
void EngineLoop::Preempt(std::size_t index, bool needs_room) {
  std::unique_ptr<Sequence> sequence = running_.Take(index);
  const SeqId seq = sequence->seq();
  cache_.Release(seq, sequence->tokens(), sequence->evaluated(), sequence->prompt_size());
  speculator_->Forget(seq);
  sequence->Preempt(step_began_);
  queue_.PushPreempted(std::move(sequence), needs_room);
  stats_.OnPreempted();
}

// When the KV cache is full, a cached sequence is evicted first. If none is left, the weakest
// running sequence is preempted until another one ends. A sequence that fills the cache alone
// fails.
void EngineLoop::RelievePressure(Clock::time_point now) {
  if (std::exchange(stalled_, {}).empty() || cache_.EvictOne()) return;
  const std::vector<Claim> claims = Claims();
  if (claims.empty()) return;
  const std::size_t weakest = ChooseUnderPressure(claims);
  if (claims.size() > 1) {
    Preempt(weakest, true);
    cache_.EvictOne();
  } else {
    running_.at(weakest)->Fail(
        {ErrorCode::kOutOfMemory, "kv_cache", "the KV cache is too small for this request alone"},
        now);
  }
}

// A class that has waited long with nothing running gets a turn. When a turn ends, preempted
// requests that wait for room may try again.
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
