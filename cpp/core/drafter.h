// SPDX-License-Identifier: AGPL-3.0-only
// Guesses of the next tokens, to be verified in one decode call. A wrong guess costs time, never
// text.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Guesses that the text goes on as it did the last time its newest kLength tokens occurred, in the
// prompt or in the answer (prompt lookup). Good at quotes, edits and repeated structure. One for
// each sequence.
class NgramDrafter {
 public:
  static constexpr std::int32_t kLength = 3;

  // At most `limit` tokens that may follow `tokens`, which are those of the last call and more; a
  // shorter list begins anew.
  std::vector<Token> Draft(const std::vector<Token>& tokens, std::int32_t limit);

 private:
  static std::uint64_t KeyAt(const std::vector<Token>& tokens, std::size_t end);

  std::unordered_map<std::uint64_t, std::size_t> follows_;  // n-gram -> index of what came next
  std::size_t indexed_ = 0;                                 // n-grams that end before it are known
};

}  // namespace sentiric
