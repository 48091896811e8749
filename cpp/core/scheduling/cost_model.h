// SPDX-License-Identifier: AGPL-3.0-only
// What a decoder call costs on this machine, learnt while it runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sentiric {

// The rows of one call, or of a step that is about to be planned.
struct CallShape {
  std::int32_t decode_calls = 0;
  std::int32_t decode_rows = 0;
  std::int64_t decode_context = 0;  // positions that the decode rows look back at, summed
  std::int32_t prefill_tokens = 0;
  std::int64_t prefill_context = 0;  // the same for the prompt tokens
};

// Time is linear in: a decode pass, whether it has several rows (backends have other code for one),
// its rows, their context, a prefill pass, its tokens, their context. None of these saves time, so
// the weights are the least squares among those that are not negative: that keeps them sensible
// where the calls seen look all alike. Errors count in proportion to the call and recent calls
// count more; one that took many times what was expected (another process had the cores) hardly
// counts at all. One thread uses it.
class CostModel {
 public:
  void Learn(const CallShape& shape, double ms);
  double Predict(const CallShape& shape) const;  // ms, >= 0; 0 while nothing is known

  // Prompt tokens that can join `shape` with the whole still taking `target_ms`; they stand at
  // positions from `position` on. Never below `least`; `unknown` until a prefill was seen, and
  // never more than twice what one call was seen to take.
  std::int32_t PrefillBudget(const CallShape& shape, double target_ms, std::int32_t position,
                             std::int32_t least, std::int32_t unknown) const;

  // Prompt tokens that take as long as a prefill pass with none; 0 while that is unknown.
  std::int32_t PassInTokens() const;

  // Mean of |predicted - measured| / measured over the recent calls.
  double error() const { return error_; }

 private:
  static constexpr std::size_t kSize = 7;
  using Features = std::array<double, kSize>;

  static Features FeaturesOf(const CallShape& shape);
  double ScaleOf(const Features& x, double ms) const;
  void Solve();

  std::array<Features, kSize> normal_{};  // sum of x x^T / scale^2
  Features moment_{};                     // sum of x ms / scale^2
  Features weights_{};
  std::int64_t num_calls_ = 0, num_prefills_ = 0;
  std::int32_t largest_ = 0;  // prefill tokens of one call so far
  double error_ = 0;
};

}  // namespace sentiric
