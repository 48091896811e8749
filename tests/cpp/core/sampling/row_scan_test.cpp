// SPDX-License-Identifier: AGPL-3.0-only
// Answers about a row of logits, compared with plain code.
#include "core/sampling/row_scan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "check.h"
#include "core/sampling/logprobs.h"
#include "core/sampling/vector_exp.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

// With ties for step > 0, and with tokens that cannot be chosen.
std::vector<float> RandomRow(std::size_t size, std::uint32_t seed, float step = 0,
                             float share_of_none = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::bernoulli_distribution is_none(static_cast<double>(share_of_none));
  std::vector<float> row(size);
  for (float& value : row) {
    value = normal(random);
    if (step > 0) value = std::round(value / step) * step;
    if (is_none(random)) value = kNone;
  }
  return row;
}

Candidates Sorted(const std::vector<float>& row) {
  Candidates all;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] != kNone) all.push_back({static_cast<Token>(i), row[i], 0});
  }
  std::sort(all.begin(), all.end(), Better);
  return all;
}

bool SameTokens(const Candidates& a, const Candidates& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Candidate& x, const Candidate& y) { return x.token == y.token; });
}

const std::vector<std::size_t> kSizes = {1, 2, 63, 64, 65, 1000, 4096, 32000, 151936};

}  // namespace

TEST(RowScan, TheBestOfARow) {
  RowScan scan;
  for (const std::size_t size : kSizes) {
    for (const float step : {0.0f, 0.5f}) {
      const std::vector<float> row = RandomRow(size, 1, step, 0.1f);
      const Candidates all = Sorted(row);
      scan.Read(row.data(), row.size());
      for (const std::size_t count : {0, 1, 2, 40, 200, 3000, 200000}) {
        Candidates top;
        scan.Top(count, &top);
        Candidates expected(all.begin(),
                            all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size())));
        EXPECT(SameTokens(top, expected));
      }
    }
  }
}

TEST(RowScan, AllFromAThresholdOnInOrderOfTokens) {
  RowScan scan;
  for (const std::size_t size : kSizes) {
    const std::vector<float> row = RandomRow(size, 2, 0.25f, 0.1f);
    scan.Read(row.data(), row.size());
    for (const float threshold : {-100.0f, 0.0f, 2.5f, 100.0f}) {
      Candidates expected;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] >= threshold) expected.push_back({static_cast<Token>(i), row[i], 0});
      }
      Candidates found;
      scan.AtLeast(threshold, &found);
      EXPECT(SameTokens(found, expected));
    }
  }
}

TEST(RowScan, RowsThatAreNoNumbersAreSeenAnywhere) {
  RowScan scan;
  for (const std::size_t size : kSizes) {
    std::vector<float> row = RandomRow(size, 3);
    scan.Read(row.data(), row.size());
    EXPECT(scan.is_finite());
    EXPECT_EQ(scan.max(), *std::max_element(row.begin(), row.end()));
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -kNone, kNone}) {
        const float good = std::exchange(row[at], bad);
        scan.Read(row.data(), row.size());
        EXPECT(!scan.is_finite());
        row[at] = good;
      }
    }
  }
}

TEST(RowScan, TheSumOfExponentials) {
  RowScan scan;
  for (const std::size_t size : kSizes) {
    const std::vector<float> row = RandomRow(size, 4, 0, size > 2 ? 0.1f : 0.0f);
    scan.Read(row.data(), row.size());
    for (const float scale : {0.5f, 1.0f, 10.0f}) {
      double expected = 0;
      for (const float x : row) {
        expected += std::exp(static_cast<double>(x - scan.max()) * static_cast<double>(scale));
      }
      EXPECT(std::abs(scan.SumExp(scale) / expected - 1) < 1e-6);
    }
  }
}

TEST(RowScan, FindWalksTheRunningSum) {
  RowScan scan;
  std::vector<float> row = RandomRow(1000, 5, 0, 0.2f);
  row.back() = kNone;
  scan.Read(row.data(), row.size());
  std::vector<double> sums;
  const double total = scan.SumExp(1.0f, &sums);
  Token last = -1;
  double sum = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] == kNone) continue;
    const double next = sum + static_cast<double>(ExpOfNegative(row[i] - scan.max()));
    // Sums of blocks are rounded to single precision: rare tokens may be one off.
    if (next - sum > total * 1e-5) {
      EXPECT_EQ(scan.Find((sum + next) / 2, 1.0f, sums), static_cast<Token>(i));
    }
    sum = next;
    last = static_cast<Token>(i);
  }
  EXPECT_EQ(scan.Find(total * 2, 1.0f, sums), last);
  EXPECT(row[static_cast<std::size_t>(scan.Find(0, 1.0f, sums))] != kNone);
}

TEST(RowScan, ARowWithoutAChoice) {
  RowScan scan;
  const std::vector<float> row(500, kNone);
  scan.Read(row.data(), row.size());
  Candidates top;
  scan.Top(10, &top);
  EXPECT(top.empty());
  EXPECT_EQ(scan.max(), kNone);
}

TEST(RowScan, ExpOfNegativeIsExp) {
  for (float x = 0; x > -85; x -= 0.0137f) {
    const double expected = std::exp(static_cast<double>(x));
    EXPECT(std::abs(static_cast<double>(ExpOfNegative(x)) / expected - 1) < 2e-7);
  }
  EXPECT(ExpOfNegative(kNone) < 1e-37f);
}

TEST(RowScan, LogprobsAreTheLogSoftmaxOfTheRow) {
  const std::vector<float> row = RandomRow(40000, 6);
  const std::vector<std::string> pieces(row.size(), "x");
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x));
  const ChosenLogprob result = LogprobsOf(row.data(), pieces, 17, 20).value();
  const Candidates best = Sorted(row);
  EXPECT(std::abs(static_cast<double>(result.chosen.logprob) - (row[17] - std::log(sum))) < 1e-5);
  ASSERT(result.top.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(result.top[i].token, best[i].token);
    EXPECT(std::abs(static_cast<double>(result.top[i].logprob) - (best[i].logit - std::log(sum))) <
           1e-5);
  }
}
