// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/sequence.h"

#include <algorithm>
#include <utility>

#include "core/scheduling/milliseconds.h"
#include "core/scheduling/stop_rules.h"

namespace sentiric {
namespace {

// Longer runs would hold up other streams.
constexpr std::int32_t kMaxRun = 64;

}  // namespace

Sequence::Sequence(RequestHandle request, std::unique_ptr<TokenSampler> sampler,
                   AdapterSetHandle adapters, const DecoderTraits& traits, Clock::time_point now)
    : request_(std::move(request)),
      sampler_(std::move(sampler)),
      adapters_(std::move(adapters)),
      traits_(traits),
      started_(now),
      waited_(now - request_->submitted),
      preempted_(now),
      tokens_(request_->prompt.tokens),
      is_forced_(tokens_.size(), false),
      prompt_size_(static_cast<std::int32_t>(tokens_.size())),
      text_(StopSearch(StopRulesOf(request_->request))),
      repetition_(request_->request.repetition_limit) {
  event_.request = request_->id;
  event_.truncation = request_->prompt.truncation;
  if (request_->scores_prompt()) {
    num_to_score_ = prompt_size_;
    scored_ = 1;
    event_.prompt_logprobs.push_back(sampler_->Score(nullptr, tokens_.front(), 0).value());
  }
}

void Sequence::Place(ContextLease lease, Clock::time_point now) {
  waited_ = Waited(now);
  lease_.emplace(std::move(lease));
}

Clock::duration Sequence::Waited(Clock::time_point now) const {
  return lease_ ? waited_ : waited_ + (now - preempted_);
}

double Sequence::HeldMs(Clock::time_point now) const {
  return Milliseconds(now - request_->submitted - Waited(now));
}

bool Sequence::Advance() {
  const bool is_further = evaluated_ > furthest_;
  furthest_ = std::max(furthest_, evaluated_);
  return is_further;
}

// Cells that are gone when it continues are recomputed; see run().
void Sequence::Preempt(Clock::time_point now) {
  lease_.reset();
  preempted_ = now;
  draft_.clear();
  evaluated_ = 0;
  has_begun_ = false;
  was_preempted_ = true;
}

void Sequence::Begin(std::int32_t attached, std::uint64_t step) {
  has_begun_ = true;
  evaluated_ = attached;
  last_served_ = step;
  if (!was_preempted_) cached_ = std::min(attached, prompt_size_);
}

PrefixRequest Sequence::prefix_request() const {
  const PreparedPrompt& prompt = request_->prompt;
  return {
      request_->scope, tokens_,     prompt_size_,           request_->id,
      prompt.opening,  prompt.keep, !request_->is_prefix(), is_scored() ? scored_ - 1 : INT32_MAX};
}

SequenceView Sequence::View(std::uint64_t step) const {
  SequenceView view;
  view.seq = seq();
  view.tokens = &tokens_;
  view.evaluated = evaluated_;
  view.prompt_size = prompt_size_;
  view.waited = step - last_served_;
  view.priority = request_->request.priority;
  view.adapters = adapters_.get();
  view.run = run();
  view.draft = draft_.empty() ? nullptr : &draft_;
  if (is_scored()) view.scored_from = scored_ - 1;
  return view;
}

void Sequence::OnEvaluated(std::int32_t rows, std::uint64_t step) {
  if (is_prefilling()) last_served_ = step;
  evaluated_ += rows;
}

bool Sequence::waits_for_reader() const {
  if (!has_begun_ || is_finished_) return false;
  // Tokens from before a preemption are recomputed first: other requests may share them.
  const bool is_evaluated = evaluated_ >= newest_run() && !is_prefilling();
  return (is_evaluated || is_scored()) &&
         num_sent() >= request_->granted.load(std::memory_order_relaxed);
}

void Sequence::NoteReader(Clock::time_point now) {
  if (!waits_for_reader()) {
    unread_since_.reset();
  } else if (!unread_since_) {
    unread_since_ = now;
  }
}

Clock::duration Sequence::reader_wait(Clock::time_point now) const {
  return unread_since_ ? now - *unread_since_ : Clock::duration::zero();
}

// A run is one call, where a decoder takes no more rows.
std::int32_t Sequence::max_run() const { return std::min(kMaxRun, traits_.max_batch); }

// Where the newest run begins: with the last sampled token; forced ones follow it.
std::int32_t Sequence::newest_run() const {
  auto begin = static_cast<std::int32_t>(tokens_.size()) - 1;
  while (begin > 0 && is_forced_[static_cast<std::size_t>(begin)]) --begin;
  return begin;
}

// What is known behind the prompt was delivered, or computed before a preemption. It is evaluated
// as the first time, a token alone or with those that were forced behind it, unless the decoder can
// recut: then many at once, up to the newest run, which is always one by itself.
std::int32_t Sequence::run() const {
  const std::int32_t known = std::min(newest_run(), traits_.context_size) - evaluated_;
  if (traits_.can_recut && known > 0) return std::min(known, max_run());
  const auto size = static_cast<std::int32_t>(tokens_.size());
  std::int32_t end = evaluated_ + 1;
  while (end < size && is_forced_[static_cast<std::size_t>(end)]) ++end;
  return end - evaluated_;
}

void Sequence::SetDraft(std::vector<Token> draft, bool is_predicted) {
  draft_ = std::move(draft);
  is_predicted_ = is_predicted;
  num_accepted_ = kNotVerified;
}

void Sequence::AbandonDraft() {
  draft_.clear();
  speculation_.Pause();
}

std::int32_t Sequence::DraftLimit() const {
  const Request& asked = request_->request;
  const bool is_free = !request_->prompt.grammar && asked.sampling.top_logprobs < 0;
  const auto size = static_cast<std::int32_t>(tokens_.size());
  // A draft follows the last token; after a preemption the sequence has to catch up first.
  const bool is_ready = has_begun_ && !is_prefilling() && evaluated_ + 1 == size;
  if (!is_free || !is_ready || is_finished_ || waits_for_reader()) return 0;
  return std::min(
      {speculation_.Length(), asked.max_tokens - num_generated_ - 1, traits_.context_size - size});
}

void Sequence::Sample(const std::vector<const float*>& rows) {
  const std::int32_t left = max_tokens() - num_generated_;
  for (std::size_t i = 0; i < rows.size() && static_cast<std::int32_t>(i) < left; ++i) {
    sampled_.push_back(sampler_->Sample(rows[i]));
    const Result<SampledToken>& sampled = sampled_.back();
    if (!sampled || sampled->is_end || i >= draft_.size() || sampled->token != draft_[i]) break;
  }
  if (sampled_.empty() || !sampled_.back() || sampled_.back()->is_end) return;
  const auto count = static_cast<std::int32_t>(sampled_.size());
  forced_ = Forced(num_generated_ + count, static_cast<std::int32_t>(tokens_.size()) + count);
}

// The tokens forced behind a sampled one, with which the answer has `generated` tokens and the
// context holds `held`: all of them are evaluated in one call, and none beyond the last position.
std::vector<SampledToken> Sequence::Forced(std::int32_t generated, std::int32_t held) {
  const std::int32_t room =
      std::min({max_tokens() - generated, traits_.context_size - held, max_run() - 1});
  if (room <= 0) return {};
  return sampler_->Forced(static_cast<std::size_t>(room));
}

std::int32_t Sequence::OnSampled(Clock::time_point now) {
  const std::int32_t before = num_generated_;
  num_accepted_ = draft_.empty() ? 0 : static_cast<std::int32_t>(sampled_.size()) - 1;
  drafts_.Add(static_cast<std::int32_t>(draft_.size()), num_accepted_);
  if (is_predicted_) predictions_.Add(static_cast<std::int32_t>(draft_.size()), num_accepted_);
  if (sampled_.empty()) Finish(FinishReason::kLength, now);
  for (const Result<SampledToken>& sampled : std::exchange(sampled_, {})) {
    if (is_finished()) break;
    if (!sampled) {
      Fail(sampled.error(), now);
    } else {
      Accept(*sampled, false, now);
    }
  }
  if (draft_.empty()) {
    speculation_.OnPlainToken();
  } else {
    // Fewer than accepted if one of them ended the text.
    evaluated_ += std::max(0, num_generated_ - before - 1);
  }
  for (const SampledToken& forced : std::exchange(forced_, {})) {
    if (!is_finished()) Accept(forced, true, now);
  }
  return num_generated_ - before;
}

void Sequence::OnVerified(double cost) {
  speculation_.OnVerified(static_cast<std::int32_t>(draft_.size()), num_accepted_, cost);
  draft_.clear();
}

void Sequence::Accept(const SampledToken& sampled, bool is_forced, Clock::time_point now) {
  if (!has_answered()) first_token_ = now;
  ++num_generated_;
  has_news_ = true;
  event_.tokens.push_back(sampled.token);
  if (sampled.logprob) event_.logprobs.push_back(*sampled.logprob);
  thought_ = sampled.thought;
  if (sampled.is_end) {
    may_end_ = sampled.may_end;
    if (sampled.is_stop) stop_token_ = sampled.token;
    return Finish(FinishReason::kStop, now);
  }
  tokens_.push_back(sampled.token);
  is_forced_.push_back(is_forced);
  event_.text += text_.Append(sampled.piece);
  if (text_.stopped_by()) return Finish(FinishReason::kStop, now);
  may_end_ = sampled.may_end;
  if (repetition_.Add(sampled.token)) return Finish(FinishReason::kRepetition, now);
  if (num_generated_ == max_tokens()) Finish(FinishReason::kLength, now);
}

ContextShift Sequence::NextShift(std::int32_t shared) const {
  if (!traits_.can_shift || !request_->request.shift) return {};
  const std::int32_t size = traits_.context_size;
  const std::int32_t keep = std::min(request_->prompt.keep, size - size / 8);
  const std::int32_t count = std::max((size - keep) / 2, shared - keep);
  return keep + count < size ? ContextShift{keep, count} : ContextShift{};
}

void Sequence::OnShifted(const ContextShift& shift) {
  const auto [keep, count] = shift;
  const auto first = tokens_.begin() + keep;
  tokens_.erase(first, first + count);
  is_forced_.erase(is_forced_.begin() + keep, is_forced_.begin() + keep + count);
  evaluated_ -= count;
  furthest_ -= count;
  prompt_size_ = std::max(keep, prompt_size_ - count);
  if (reported_shifts_ > 0) {
    reported_shifts_ -= count;
  } else {
    event_.truncation.shifted_tokens += count;
  }
}

void Sequence::Finish(FinishReason reason, Clock::time_point now) {
  if (std::exchange(is_finished_, true)) return;
  event_.text += text_.Finish(/*was_cut=*/reason != FinishReason::kStop);
  event_.final = MakeFinal(reason, now);
  has_news_ = true;
}

void Sequence::Fail(Error error, Clock::time_point now) {
  if (is_finished()) return;
  Finish(FinishReasonOf(error), now);
  event_.final->error = std::move(error);
}

Final Sequence::MakeFinal(FinishReason reason, Clock::time_point now) {
  Final final;
  final.finish_reason = reason;
  final.stop_string = text_.stopped_by();
  final.stop_token = stop_token_;
  final.thought_tokens = thought_.num_tokens;
  final.thinking_ended = thought_.was_ended;
  final.unfinished = request_->prompt.grammar && !may_end_;
  final.prompt_tokens = static_cast<std::int32_t>(request_->prompt.tokens.size());
  final.completion_tokens = num_generated_;
  const Clock::time_point prompt_end = has_answered() ? first_token_ : now;
  final.timings.cache_n = cached_;
  final.timings.draft_n = drafts_.drafted;
  final.timings.draft_n_accepted = drafts_.accepted;
  final.prediction_accepted = predictions_.accepted;
  final.prediction_rejected = predictions_.drafted - predictions_.accepted;
  const std::int32_t held =
      has_answered() ? final.prompt_tokens : std::min(prompt_size_, evaluated_);
  final.timings.prompt_n = std::max(0, held - cached_);
  final.timings.prompt_ms = Milliseconds(prompt_end - started_);
  final.timings.predicted_n = num_generated_ - num_delivered();
  final.timings.predicted_ms = has_answered() ? Milliseconds(now - first_token_) : 0;
  final.timings.queue_ms = Milliseconds(started_ - request_->submitted);
  final.timings.ttft_ms = has_answered() ? Milliseconds(first_token_ - request_->submitted) : 0;
  return final;
}

std::optional<Event> Sequence::MaybeTakeEvent() {
  if (!std::exchange(has_news_, false)) return std::nullopt;
  Event next;
  next.request = event_.request;
  next.truncation = event_.truncation;
  const auto num_tokens = static_cast<std::int32_t>(event_.tokens.size());
  event_.is_first = num_tokens > 0 && num_tokens == num_generated_;
  if (num_tokens > 0 && num_tokens == num_generated_ - num_delivered()) {
    event_.prompt_tokens = static_cast<std::int32_t>(request_->prompt.tokens.size());
    event_.cached_tokens = cached_;
  }
  return std::exchange(event_, std::move(next));
}

}  // namespace sentiric
