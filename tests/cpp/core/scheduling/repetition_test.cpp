// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/repetition.h"

#include <random>
#include <vector>

#include "check.h"

using namespace sentiric;

namespace {

// Whether the newest tokens are `blocks` times the same block.
bool Repeats(const std::vector<Token>& tokens, std::size_t period, std::size_t blocks) {
  if (tokens.size() < period * blocks) return false;
  for (std::size_t i = tokens.size() - period * (blocks - 1); i < tokens.size(); ++i) {
    if (tokens[i] != tokens[i - period]) return false;
  }
  return true;
}

bool IsRepetition(const std::vector<Token>& tokens, std::size_t limit) {
  for (std::size_t period = 1; period <= Repetition::kMaxPeriod; ++period) {
    for (std::size_t blocks = 4; blocks * period <= tokens.size(); ++blocks) {
      if (blocks * period >= limit && Repeats(tokens, period, blocks)) return true;
    }
  }
  return false;
}

}  // namespace

TEST(Repetition, IsWhatANaiveSearchFinds) {
  std::mt19937 random(5);
  int num_found = 0;
  for (int round = 0; round < 300; ++round) {
    const auto limit = static_cast<std::int32_t>(1 + random() % 60);
    const std::size_t period = 1 + random() % 70;
    const unsigned noise = 1 + random() % 60;
    Repetition repetition(limit);
    std::vector<Token> tokens;
    for (int i = 0; i < 500; ++i) {
      const bool is_new = tokens.size() < period || random() % noise == 0;
      tokens.push_back(is_new ? static_cast<Token>(random() % 3) : tokens[tokens.size() - period]);
      const bool is_over = repetition.Add(tokens.back());
      ASSERT(is_over == IsRepetition(tokens, static_cast<std::size_t>(limit)));
      num_found += is_over ? 1 : 0;
      if (is_over && random() % 8 == 0) break;
    }
  }
  EXPECT(num_found > 100);
}

TEST(Repetition, IsOffWithoutALimit) {
  Repetition repetition(0);
  for (int i = 0; i < 1000; ++i) EXPECT(!repetition.Add(7));
}
