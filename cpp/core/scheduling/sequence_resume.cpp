// SPDX-License-Identifier: AGPL-3.0-only
// The part of Sequence that continues the answer of an earlier run.
#include "core/scheduling/sequence.h"

namespace sentiric {
namespace {

Error Refused(const char* what) { return {ErrorCode::kInvalidArgument, "delivered", what}; }

}  // namespace

// Goes through the steps of the earlier run: in each, a token was sampled, others may have been
// forced behind it, and a context that had become full was shifted before the next. No token is
// evaluated here; `held` is the number of tokens that the context held then.
Result<std::int32_t> Sequence::Resume(Clock::time_point now) {
  const std::vector<Token>& delivered = request_->request.delivered;
  std::int32_t held = prompt_size_;
  std::vector<SampledToken> rest;  // forced, but not delivered
  for (std::size_t next = 0; next < delivered.size();) {
    if (held > traits_.context_size) {
      const ContextShift shift = NextShift();
      if (shift.count < 1) return Refused("the answer had ended: its context was full");
      held -= shift.count;
      reported_shifts_ += shift.count;
    }
    const Result<SampledToken> sampled = sampler_->Replay(delivered[next++]);
    if (!sampled) return sampled.error();
    if (Status ended = TakeOver(*sampled, false)) return *ended;
    ++held;
    for (const SampledToken& forced : Forced(num_generated_, held)) {
      ++held;
      if (next == delivered.size()) {
        rest.push_back(forced);
      } else if (delivered[next++] != forced.token) {
        return Refused("the grammar forces other tokens");
      } else if (Status ended = TakeOver(forced, true)) {
        return *ended;
      }
    }
  }
  event_.truncation.shifted_tokens += reported_shifts_;
  for (const SampledToken& forced : rest) {
    if (!is_finished()) Accept(forced, true, now);
  }
  return num_generated_ - num_delivered();
}

// What the text stream gives out has been sent; what it holds back has not.
Status Sequence::TakeOver(const SampledToken& token, bool is_forced) {
  text_.Append(token.piece);
  if (token.is_end || text_.stopped_by() || ++num_generated_ >= max_tokens() ||
      repetition_.Add(token.token)) {
    return Refused("the answer had ended");
  }
  thought_ = token.thought;
  may_end_ = token.may_end;
  tokens_.push_back(token.token);
  is_forced_.push_back(is_forced);
  return std::nullopt;
}

}  // namespace sentiric
