// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cost_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace sentiric {
namespace {

// Half of the weight lies on the last 140 calls.
constexpr double kForget = 0.995;
// Small against any real call, so that it only decides what the data leave open.
constexpr double kRidge = 1e-4;
constexpr double kErrorRate = 0.05;
constexpr double kContextUnit = 1024;

}  // namespace

CostModel::Features CostModel::FeaturesOf(const CallShape& shape) {
  const double tokens = shape.prefill_tokens;
  return {static_cast<double>(shape.decode_calls),
          static_cast<double>(shape.decode_rows),
          static_cast<double>(shape.decode_context) / kContextUnit,
          tokens > 0 ? 1.0 : 0.0,
          tokens,
          static_cast<double>(shape.prefill_context) / kContextUnit};
}

void CostModel::Learn(const CallShape& shape, double ms) {
  const Features x = FeaturesOf(shape);
  if (num_calls_++ > 0 && ms > 0) {
    error_ += kErrorRate * (std::abs(Predict(shape) - ms) / ms - error_);
  }
  if (shape.prefill_tokens > 0) ++num_prefills_;
  largest_ = std::max(largest_, shape.prefill_tokens);
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      normal_[i][j] = kForget * normal_[i][j] + x[i] * x[j];
    }
    moment_[i] = kForget * moment_[i] + x[i] * ms;
  }
  Solve();
}

// Gaussian elimination with pivots; the ridge keeps the matrix regular.
void CostModel::Solve() {
  auto a = normal_;
  weights_ = moment_;
  for (std::size_t i = 0; i < kSize; ++i) a[i][i] += kRidge * (1 + normal_[i][i]);
  for (std::size_t i = 0; i < kSize; ++i) {
    std::size_t pivot = i;
    for (std::size_t row = i + 1; row < kSize; ++row) {
      if (std::abs(a[row][i]) > std::abs(a[pivot][i])) pivot = row;
    }
    std::swap(a[i], a[pivot]);
    std::swap(weights_[i], weights_[pivot]);
    for (std::size_t row = 0; row < kSize; ++row) {
      if (row == i) continue;
      const double factor = a[row][i] / a[i][i];
      for (std::size_t column = i; column < kSize; ++column) {
        a[row][column] -= factor * a[i][column];
      }
      weights_[row] -= factor * weights_[i];
    }
  }
  for (std::size_t i = 0; i < kSize; ++i) weights_[i] /= a[i][i];
}

double CostModel::Predict(const CallShape& shape) const {
  const Features x = FeaturesOf(shape);
  return std::max(0.0, std::inner_product(x.begin(), x.end(), weights_.begin(), 0.0));
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
  // A line through few points says little about what lies far beyond them.
  std::int32_t low = least,
               high = std::max(unknown, 2 * largest_) + 1;  // the answer is in [low, high)
  while (high - low > 1) {
    const std::int32_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace sentiric
