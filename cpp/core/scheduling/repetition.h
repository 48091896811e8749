// SPDX-License-Identifier: AGPL-3.0-only
// Notices when a text goes round in circles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sentiric/types.h"

namespace sentiric {

// Sees when the newest tokens are one block of up to kMaxPeriod tokens, at least kMinBlocks times
// and at least `limit` tokens in all. A token costs one comparison for each size of a block. One
// thread at a time.
class Repetition {
 public:
  static constexpr std::size_t kMaxPeriod = 64;
  static constexpr std::uint32_t kMinBlocks = 4;

  explicit Repetition(std::int32_t limit) : limit_(limit) {}

  // Whether that is so with one more token. Never with the limit 0.
  bool Add(Token token);

 private:
  const std::int32_t limit_;                      // 0 = off
  std::array<Token, kMaxPeriod> newest_{};        // a ring: token i stands at i % kMaxPeriod
  std::array<std::uint32_t, kMaxPeriod> same_{};  // by period less 1: newest tokens in a row that
                                                  // are equal to those one period before
  std::uint32_t num_tokens_ = 0;
};

}  // namespace sentiric
