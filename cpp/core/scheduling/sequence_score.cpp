// SPDX-License-Identifier: AGPL-3.0-only
// The part of Sequence that makes log-probabilities of the prompt.
#include <utility>

#include "core/scheduling/sequence.h"

namespace sentiric {

void Sequence::Score(const std::vector<const float*>& rows) {
  const std::int32_t num_top = request_->request.prompt_logprobs;
  for (const float* row : rows) {
    auto entry = sampler_->Score(row, tokens_[static_cast<std::size_t>(scored_)], num_top);
    if (!entry) {
      score_error_ = entry.error();
      return;
    }
    event_.prompt_logprobs.push_back(std::move(entry).value());
    ++scored_;
    has_news_ = true;
  }
}

void Sequence::OnScored(Clock::time_point now) {
  if (score_error_) Fail(*std::exchange(score_error_, std::nullopt), now);
}

// A resumed answer has sent those of the prompt.
std::int64_t Sequence::num_sent() const {
  const bool is_over = num_to_score_ == 0 && request_->request.prompt_logprobs >= 0;
  const std::size_t scored = is_over ? request_->prompt.tokens.size() : 0;
  return static_cast<std::int64_t>(scored) + scored_ + num_generated_;
}

}  // namespace sentiric
