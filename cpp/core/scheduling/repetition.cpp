// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/repetition.h"

namespace sentiric {

bool Repetition::Add(Token token) {
  if (limit_ == 0) return false;
  const auto limit = static_cast<std::uint32_t>(limit_);
  bool is_over = false;
  for (std::uint32_t period = 1; period <= kMaxPeriod && period <= num_tokens_; ++period) {
    std::uint32_t& same = same_[period - 1];
    same = newest_[(num_tokens_ - period) % kMaxPeriod] == token ? same + 1 : 0;
    const std::uint32_t blocks = same / period + 1;  // the first one has none before it
    is_over = is_over || (blocks >= kMinBlocks && blocks * period >= limit);
  }
  newest_[num_tokens_ % kMaxPeriod] = token;
  ++num_tokens_;
  return is_over;
}

}  // namespace sentiric
