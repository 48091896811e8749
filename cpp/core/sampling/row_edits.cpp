// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/row_edits.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace sentiric::sampling {
namespace {

std::size_t NumRemembered(const SamplingParams& p) {
  const bool penalizes =
      p.repeat_penalty != 1.0f || p.frequency_penalty != 0.0f || p.presence_penalty != 0.0f;
  return penalizes ? static_cast<std::size_t>(std::max(0, p.repeat_last_n)) : 0;
}

}  // namespace

std::vector<Token> BannedTokens(const Request& request, const std::vector<Token>& end_tokens) {
  std::vector<Token> banned;
  for (const auto& [token, bias] : request.sampling.logit_bias) {
    if (bias <= kBanBelow) banned.push_back(token);
  }
  if (request.ignore_eos) banned.insert(banned.end(), end_tokens.begin(), end_tokens.end());
  std::sort(banned.begin(), banned.end());
  banned.erase(std::unique(banned.begin(), banned.end()), banned.end());
  return banned;
}

RowEdits::RowEdits(const SamplingParams& params, std::vector<Token> banned)
    : repeat_penalty_(params.repeat_penalty),
      presence_penalty_(params.presence_penalty),
      frequency_penalty_(params.frequency_penalty),
      num_remembered_(NumRemembered(params)),
      always_banned_(std::move(banned)),
      banned_(always_banned_) {
  for (const auto& [token, bias] : params.logit_bias) {
    if (bias > kBanBelow && bias != 0.0f) biases_[token] += bias;
  }
}

void RowEdits::Accept(Token token) {
  if (num_remembered_ == 0) return;
  ++counts_[token];
  if (memory_.size() < num_remembered_) return memory_.push_back(token);
  Forget();
  memory_[oldest_] = token;
  oldest_ = (oldest_ + 1) % num_remembered_;
}

void RowEdits::Ban(const std::vector<Token>& tokens) {
  banned_.clear();
  std::set_union(always_banned_.begin(), always_banned_.end(), tokens.begin(), tokens.end(),
                 std::back_inserter(banned_));
}

void RowEdits::Forget() {
  const auto count = counts_.find(memory_[oldest_]);
  if (--count->second == 0) counts_.erase(count);
}

const std::vector<Edit>& RowEdits::Of(const float* logits) {
  edits_.clear();
  const auto is_banned = [this](Token token) {
    return std::binary_search(banned_.begin(), banned_.end(), token);
  };
  for (const Token token : banned_) edits_.push_back({token, -INFINITY});
  for (const auto& [token, count] : counts_) {
    if (!is_banned(token)) edits_.push_back({token, Edited(token, logits[token], count)});
  }
  for (const auto& [token, bias] : biases_) {
    if (counts_.count(token) != 0 || is_banned(token)) continue;
    edits_.push_back({token, logits[token] + bias});
  }
  std::sort(edits_.begin(), edits_.end(),
            [](const Edit& a, const Edit& b) { return a.token < b.token; });
  return edits_;
}

// Biases come before penalties, as in llama.cpp's chain.
float RowEdits::Edited(Token token, float logit, std::int32_t count) const {
  const auto bias = biases_.find(token);
  if (bias != biases_.end()) logit += bias->second;
  // Dividing a negative logit would make the token likelier.
  logit = logit <= 0 ? logit * repeat_penalty_ : logit / repeat_penalty_;
  return logit - (static_cast<float>(count) * frequency_penalty_ + presence_penalty_);
}

}  // namespace sentiric::sampling
