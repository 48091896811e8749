// SPDX-License-Identifier: AGPL-3.0-only
// Learns at run time what a decoder call costs on this machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sentiric {

// The rows of one call, or of a step that is about to be planned.
struct CallShape {
  std::int32_t decode_calls = 0;
  std::int32_t decode_rows = 0;
  std::int64_t decode_context = 0;  // sum of the positions that the decode rows attend to
  std::int32_t prefill_tokens = 0;
  std::int64_t prefill_context = 0;  // the same for the prompt tokens
};

// Models time as linear in: a decode pass, whether it has several rows (backends have separate code
// for one), its rows, their context, a prefill pass, its tokens, their context. None of these can
// save time, so the weights are a least-squares fit without negative weights, which stays sensible
// when all calls look alike. Errors are relative, and recent calls count more; a call that took
// many times the expected time (another process had the cores) hardly counts. One thread uses it.
class CostModel {
 public:
  void Learn(const CallShape& shape, double ms);
  double Predict(const CallShape& shape) const;  // ms, >= 0; 0 while nothing is known

  // How many prompt tokens, at positions from `position` on, can join `shape` so that all of it
  // takes `target_ms`. At least `least`; `unknown` until a prefill was seen; at most twice the
  // largest prefill seen.
  std::int32_t PrefillBudget(const CallShape& shape, double target_ms, std::int32_t position,
                             std::int32_t least, std::int32_t unknown) const;

  // The fixed cost of a prefill pass, in prompt tokens; 0 while unknown.
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
