// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/cost_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sentiric {
namespace {

// The last 35 calls, a few seconds, have half of the weight: machines change that fast.
constexpr double kForget = 0.98;
// Coordinate descent starts from the last weights, so few rounds are needed for each call.
constexpr int kRounds = 60;
constexpr double kErrorRate = 0.05;
constexpr double kContextUnit = 1024;
constexpr double kMaxPass = 512;  // tokens; guards against a weight near zero
// Indices of features.
constexpr std::size_t kPass = 4, kToken = 5;

}  // namespace

CostModel::Features CostModel::FeaturesOf(const CallShape& shape) {
  const double tokens = shape.prefill_tokens;
  return {static_cast<double>(shape.decode_calls),
          shape.decode_rows > shape.decode_calls ? 1.0 : 0.0,
          static_cast<double>(shape.decode_rows),
          static_cast<double>(shape.decode_context) / kContextUnit,
          tokens > 0 ? 1.0 : 0.0,
          tokens,
          static_cast<double>(shape.prefill_context) / kContextUnit};
}

void CostModel::Learn(const CallShape& shape, double ms) {
  if (ms <= 0) return;
  const Features x = FeaturesOf(shape);
  if (num_calls_++ > 0) error_ += kErrorRate * (std::abs(Predict(shape) - ms) / ms - error_);
  if (shape.prefill_tokens > 0) ++num_prefills_;
  largest_ = std::max(largest_, shape.prefill_tokens);
  const double scale = ScaleOf(x, ms);
  const double weight = 1 / (scale * scale);
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      normal_[i][j] = kForget * normal_[i][j] + weight * x[i] * x[j];
    }
    moment_[i] = kForget * moment_[i] + weight * x[i] * ms;
  }
  Solve();
}

// What an error is divided by: the expected time, because the measured one would give fast outliers
// more weight. If they are far apart, the measured one is used.
double CostModel::ScaleOf(const Features& x, double ms) const {
  const double expected = std::inner_product(x.begin(), x.end(), weights_.begin(), 0.0);
  return std::clamp(expected, ms / 2, ms * 2);
}

// Sets each weight in turn to its best value given the others; never below zero.
void CostModel::Solve() {
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kSize; ++i) {
      if (normal_[i][i] <= 0) continue;
      const double others = std::inner_product(normal_[i].begin(), normal_[i].end(),
                                               weights_.begin(), -normal_[i][i] * weights_[i]);
      weights_[i] = std::max(0.0, (moment_[i] - others) / normal_[i][i]);
    }
  }
}

double CostModel::Predict(const CallShape& shape) const {
  const Features x = FeaturesOf(shape);
  return std::inner_product(x.begin(), x.end(), weights_.begin(), 0.0);
}

std::int32_t CostModel::PrefillBudget(const CallShape& shape, double target_ms,
                                      std::int32_t position, std::int32_t least,
                                      std::int32_t unknown) const {
  if (num_prefills_ == 0) return unknown;
  const auto fits = [&](std::int32_t tokens) {
    CallShape whole = shape;
    whole.prefill_tokens += tokens;
    whole.prefill_context += static_cast<std::int64_t>(tokens) * (position + tokens / 2);
    return Predict(whole) <= target_ms;
  };
  // A line through few points says little far beyond them.
  std::int32_t low = least,
               high = std::max(unknown, 2 * largest_) + 1;  // the answer is in [low, high)
  while (high - low > 1) {
    const std::int32_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

std::int32_t CostModel::PassInTokens() const {
  const double pass = weights_[kPass], token = weights_[kToken];
  return token > 0 ? static_cast<std::int32_t>(std::lround(std::min(pass / token, kMaxPass))) : 0;
}

}  // namespace sentiric
