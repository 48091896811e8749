// SPDX-License-Identifier: AGPL-3.0-only
// What a sampler asks a row of logits, answered without a candidate for each token.
#pragma once

#include <cstddef>
#include <vector>

#include "core/sampling/candidates.h"

namespace sentiric::sampling {

// Read() makes one vectorised pass that keeps the largest value of each block of 64; the other
// calls look only into blocks that can matter. -inf is a token that cannot be chosen: it is never
// in an answer. One thread at a time.
class RowScan {
 public:
  // The row must stay until the next Read.
  void Read(const float* row, std::size_t size);

  const float* row() const { return row_; }
  std::size_t size() const { return size_; }
  // Whether no value is NaN or infinite. The other answers hold for rows without NaN and +inf.
  bool is_finite() const { return is_finite_; }
  float max() const { return max_; }

  // The `count` best, or all there are, best first.
  void Top(std::size_t count, Candidates* out) const;
  // All values >= threshold, in order of tokens.
  void AtLeast(float threshold, Candidates* out) const;

  // The sum of exp((x - max()) * scale), scale > 0; with it the sum of each block, when asked for.
  double SumExp(float scale, std::vector<double>* sums_of_blocks = nullptr) const;
  // The first token at which the running sum of SumExp's terms reaches `target`; the last one that
  // can be chosen when rounding leaves it above the total. -1 when none can be chosen.
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
