// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/row_scan.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <functional>

#include "core/sampling/vector_exp.h"

namespace sentiric::sampling {
namespace {

constexpr std::size_t kBlock = 64;

struct BlockFacts {
  float max = -INFINITY;
  float residue = 0;  // sum of x - x: 0, or NaN when a value is NaN or infinite
};

float Max(float a, float b) { return a > b ? a : b; }

// Folds blocks in halves: without -ffast-math, compilers may not reorder a running maximum or sum,
// but they vectorise these loops.
BlockFacts FactsOfFullBlock(const float* x) {
  constexpr std::size_t kHalf = kBlock / 2;
  float max[kHalf];
  float residue[kHalf];
  for (std::size_t i = 0; i < kHalf; ++i) {
    max[i] = Max(x[i], x[i + kHalf]);
    residue[i] = (x[i] - x[i]) + (x[i + kHalf] - x[i + kHalf]);
  }
  for (std::size_t half = kHalf / 2; half > 2; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      max[i] = Max(max[i], max[i + half]);
      residue[i] += residue[i + half];
    }
  }
  return {Max(Max(max[0], max[1]), Max(max[2], max[3])),
          (residue[0] + residue[1]) + (residue[2] + residue[3])};
}

BlockFacts FactsOfPart(const float* x, std::size_t count) {
  BlockFacts facts;
  for (std::size_t i = 0; i < count; ++i) {
    facts.max = Max(x[i], facts.max);
    facts.residue += x[i] - x[i];
  }
  return facts;
}

double SumOfFullBlock(const float* x, float max, float scale) {
  float term[kBlock];
  for (std::size_t i = 0; i < kBlock; ++i) term[i] = Raised((x[i] - max) * scale);
  for (std::size_t i = 0; i < kBlock; ++i) term[i] = ExpOfRaised(term[i]);
  for (std::size_t half = kBlock / 2; half > 2; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) term[i] += term[i + half];
  }
  return static_cast<double>((term[0] + term[1]) + (term[2] + term[3]));
}

double SumOfPart(const float* x, std::size_t count, float max, float scale) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += static_cast<double>(ExpOfNegative((x[i] - max) * scale));
  }
  return sum;
}

}  // namespace

void RowScan::Read(const float* row, std::size_t size) {
  row_ = row;
  size_ = size;
  max_ = -INFINITY;
  max_of_block_.clear();
  float residue = 0;
  for (std::size_t i = 0; i < size; i += kBlock) {
    const BlockFacts facts =
        i + kBlock <= size ? FactsOfFullBlock(row + i) : FactsOfPart(row + i, size - i);
    max_of_block_.push_back(facts.max);
    max_ = Max(facts.max, max_);
    residue += facts.residue;
  }
  is_finite_ = residue == 0.0f;
}

std::size_t RowScan::BlockEnd(std::size_t block) const {
  return std::min((block + 1) * kBlock, size_);
}

// A threshold that at least `count` values reach: the count-th largest maximum of a block.
float RowScan::ThresholdOf(std::size_t count) const {
  if (count >= max_of_block_.size()) return -FLT_MAX;
  order_ = max_of_block_;
  const auto nth = order_.begin() + static_cast<std::ptrdiff_t>(count) - 1;
  std::nth_element(order_.begin(), nth, order_.end(), std::greater<>());
  return std::max(*nth, -FLT_MAX);
}

void RowScan::Top(std::size_t count, Candidates* out) const {
  out->clear();
  if (count == 0) return;
  AtLeast(ThresholdOf(count), out);
  const std::size_t kept = std::min(count, out->size());
  const auto middle = out->begin() + static_cast<std::ptrdiff_t>(kept);
  if (kept < out->size()) std::nth_element(out->begin(), middle, out->end(), Better);
  out->resize(kept);
  std::sort(out->begin(), out->end(), Better);
}

void RowScan::AtLeast(float threshold, Candidates* out) const {
  out->clear();
  for (std::size_t block = 0; block < max_of_block_.size(); ++block) {
    if (!(max_of_block_[block] >= threshold)) continue;
    const std::size_t end = BlockEnd(block);
    for (std::size_t i = block * kBlock; i < end; ++i) {
      if (row_[i] < threshold || row_[i] == -INFINITY) continue;
      out->push_back({static_cast<Token>(i), row_[i], 0});
    }
  }
}

double RowScan::SumExp(float scale, std::vector<double>* sums_of_blocks) const {
  if (sums_of_blocks != nullptr) sums_of_blocks->clear();
  double total = 0;
  for (std::size_t i = 0; i < size_; i += kBlock) {
    const double sum = i + kBlock <= size_ ? SumOfFullBlock(row_ + i, max_, scale)
                                           : SumOfPart(row_ + i, size_ - i, max_, scale);
    if (sums_of_blocks != nullptr) sums_of_blocks->push_back(sum);
    total += sum;
  }
  return total;
}

Token RowScan::Find(double target, float scale, const std::vector<double>& sums_of_blocks) const {
  double sum = 0;
  for (std::size_t block = 0; block < sums_of_blocks.size(); ++block) {
    if (sum + sums_of_blocks[block] < target) {
      sum += sums_of_blocks[block];
      continue;
    }
    const std::size_t end = BlockEnd(block);
    for (std::size_t i = block * kBlock; i < end; ++i) {
      if (row_[i] == -INFINITY) continue;
      sum += static_cast<double>(ExpOfNegative((row_[i] - max_) * scale));
      if (sum >= target) return static_cast<Token>(i);
    }
  }
  for (std::size_t i = size_; i-- > 0;) {
    if (row_[i] != -INFINITY) return static_cast<Token>(i);
  }
  return -1;
}

}  // namespace sentiric::sampling
