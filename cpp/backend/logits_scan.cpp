// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/logits_scan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>

namespace sentiric::backend {

bool AllFinite(const float* logits, std::size_t count) {
  // On bits, so that the compiler can vectorise it and -ffast-math could not remove it.
  constexpr std::uint32_t kExponent = 0x7F800000;
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, logits + i, sizeof bits);
    bad |= (bits & kExponent) == kExponent ? 1u : 0u;
  }
  return bad == 0;
}

ChosenLogprob LogprobsOf(const float* logits, const std::vector<std::string>& pieces, Token chosen,
                         std::int32_t num_top) {
  const std::size_t count = pieces.size();
  const float max = *std::max_element(logits, logits + count);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::exp(logits[i] - max);
  const auto log_sum = static_cast<float>(std::log(sum)) + max;
  const auto logprob = [&](Token token) {
    const auto index = static_cast<std::size_t>(token);
    return TokenLogprob{token, pieces[index], logits[index] - log_sum};
  };
  std::vector<Token> order(count);
  std::iota(order.begin(), order.end(), 0);
  const auto top = order.begin() + std::min<std::ptrdiff_t>(num_top, order.end() - order.begin());
  std::partial_sort(order.begin(), top, order.end(),
                    [&](Token a, Token b) { return logits[a] > logits[b]; });
  ChosenLogprob result{logprob(chosen), {}};
  for (auto it = order.begin(); it != top; ++it) result.top.push_back(logprob(*it));
  return result;
}

}  // namespace sentiric::backend
