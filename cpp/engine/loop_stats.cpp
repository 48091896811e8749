// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/loop_stats.h"

#include <chrono>
#include <utility>

namespace sentiric {
namespace {

constexpr double kNewest = 0.1;  // weight of the newest value in an exponential mean
constexpr std::chrono::milliseconds kLineInterval{100};

}  // namespace

void LoopStats::OnGenerated(std::int32_t tokens, bool had_draft) {
  now_.generated_tokens += Count(tokens);
  if (!had_draft) now_.jumped_tokens += Count(tokens - 1);
}

void LoopStats::OnForced(std::int32_t tokens) {
  now_.generated_tokens += Count(tokens);
  now_.jumped_tokens += Count(tokens);
}

void LoopStats::OnVerified(std::size_t drafted, std::int32_t accepted) {
  now_.drafted_tokens += drafted;
  now_.accepted_draft_tokens += Count(accepted);
}

void LoopStats::OnShifted(std::int32_t tokens) {
  ++now_.shifts;
  now_.shifted_tokens += Count(tokens);
}

void LoopStats::OnFreed(double held_ms) {
  pace_.OnFreed(held_ms);
  now_.request_ms_mean +=
      (held_ms - now_.request_ms_mean) * (now_.request_ms_mean > 0 ? kNewest : 1);
}

void LoopStats::OnStep() {
  ++now_.steps;
  const double ms = std::exchange(step_ms_, 0);
  now_.step_ms_mean += (ms - now_.step_ms_mean) * (now_.steps == 1 ? 1 : kNewest);
}

void LoopStats::OnEvents(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (!event.final) continue;
    ++now_.requests_completed;
    if (event.final->finish_reason == FinishReason::kCancelled) ++now_.requests_cancelled;
    if (event.final->finish_reason == FinishReason::kError) ++now_.requests_failed;
    if (event.final->finish_reason == FinishReason::kRepetition) ++now_.repetitions;
  }
}

void LoopStats::Gather(const RequestQueue& queue, Clock::time_point now) {
  now_.queued = static_cast<std::int32_t>(queue.size());
  now_.queued_tokens = queue.num_tokens();
  if (queue.size() == 0 || queue.size() > kLongestLine) {
    line_.clear();
    next_line_ = {};
  } else if (now >= next_line_) {
    line_ = queue.Line(now);
    next_line_ = now + kLineInterval;
  }
}

void LoopStats::Gather(const RunningSet& running, Clock::time_point now) {
  now_.prefilling = now_.decoding = now_.waiting = now_.reader_waits = now_.kv_tokens = 0;
  double age_ms = 0;
  for (const auto& sequence : running) {
    ++(!sequence->has_begun()         ? now_.waiting
       : sequence->is_prefilling()    ? now_.prefilling
       : sequence->waits_for_reader() ? now_.reader_waits
                                      : now_.decoding);
    now_.kv_tokens += sequence->evaluated();
    age_ms += sequence->HeldMs(now);
  }
  pace_.SetAge(running.empty() ? 0 : age_ms / static_cast<double>(running.size()));
}

void LoopStats::Gather(const PrefixStats& prefix) {
  now_.cached_tokens = prefix.attached_tokens;
  now_.prefix_hits = prefix.hits;
  now_.prefix_hits_host = prefix.host_hits;
  now_.prefix_hits_disk = prefix.disk_hits;
  now_.prefix_copies = prefix.copies;
  now_.prefix_checkpoints = prefix.checkpoints;
  now_.prefix_evictions = prefix.evictions;
  now_.resting_tokens = prefix.cached_tokens;
  now_.resting_sequences = prefix.cached_sequences;
  now_.host_cache_bytes = prefix.host_bytes;
  now_.disk_cache_saves = prefix.disk_saves;
  now_.disk_cache_failures = prefix.disk_failures;
  now_.disk_cache_bytes = prefix.disk_bytes;
}

void LoopStats::Gather(const BatchRunner& runner) {
  now_.decode_calls = runner.num_calls();
  now_.kv_full_retries = runner.num_kv_full();
}

void LoopStats::Gather(const StepCost& cost) {
  now_.step_error = cost.error();
  now_.prefill_budget = cost.last_budget();
}

void LoopStats::Publish() {
  const MutexLock lock(&mutex_);
  published_ = now_;
  published_pace_ = pace_;
  published_line_ = line_;
}

EngineStats LoopStats::stats() const {
  const MutexLock lock(&mutex_);
  return published_;
}

Pace LoopStats::pace() const {
  const MutexLock lock(&mutex_);
  return published_pace_;
}

std::vector<Queued> LoopStats::line() const {
  const MutexLock lock(&mutex_);
  return published_line_;
}

}  // namespace sentiric
