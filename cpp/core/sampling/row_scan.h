// SPDX-License-Identifier: AGPL-3.0-only
// Answers a sampler's questions about a row of logits without building a candidate for each token.
#pragma once

#include <cstddef>
#include <vector>

#include "core/sampling/candidates.h"

namespace sentiric::sampling {

// Read() makes one vectorised pass that keeps the largest value of each block of 64; other calls
// look only into blocks that can matter. A token with -inf cannot be chosen and is never in an
// answer. One thread at a time.
class RowScan {
 public:
  // The row must stay valid until the next Read.
  void Read(const float* row, std::size_t size);

  const float* row() const { return row_; }
  std::size_t size() const { return size_; }
  // Whether no value is NaN or infinite. Other answers are valid only for rows without NaN and
  // +inf.
  bool is_finite() const { return is_finite_; }
  float max() const { return max_; }

  // The `count` best tokens, or all there are, best first.
  void Top(std::size_t count, Candidates* out) const;
  // All tokens with a logit >= threshold, ascending.
  void AtLeast(float threshold, Candidates* out) const;

  // The sum of exp((x - max()) * scale), scale > 0. sums_of_blocks, if given, gets that of each
  // block.
  double SumExp(float scale, std::vector<double>* sums_of_blocks = nullptr) const;
  // The first token at which the running sum of SumExp's terms reaches `target`; the last choosable
  // token when rounding puts the target above the total. -1 when none can be chosen.
  Token Find(double target, float scale, const std::vector<double>& sums_of_blocks) const;

 private:
  std::size_t BlockEnd(std::size_t block) const;
  float ThresholdOf(std::size_t count) const;

  const float* row_ = nullptr;
  std::size_t size_ = 0;
  std::vector<float> max_of_block_;
  mutable std::vector<float> order_;  // scratch
  float max_ = 0;
  bool is_finite_ = true;
};

}  // namespace sentiric::sampling
