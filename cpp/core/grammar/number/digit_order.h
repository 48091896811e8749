// SPDX-License-Identifier: AGPL-3.0-only
// Where a number lies among given ones, told by its digits from the first to the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sentiric::grammar {

// Digits read so far, from the first one that is not 0. Either some given digits begin with them,
// followed by any number of zeros: those from `first` to before `last`. Or first = last: the digits
// lie before given digits `first` and behind those before them, whatever follows.
struct DigitPosition {
  std::uint32_t length = 0;  // read, as far as it matters
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Orders digits as the fractions 0.DIGITS. Immutable.
class DigitOrder {
 public:
  // Without leading and trailing zeros, in any order.
  explicit DigitOrder(std::vector<std::string> given);

  DigitPosition Start() const { return {0, 0, static_cast<std::uint32_t>(given_.size())}; }
  DigitPosition Next(DigitPosition position, char digit) const;

  // A rank is 2i + 1 for given digits i and 2i for what lies before them and behind given digits
  // i - 1. The ranks of all digits that begin with the read ones are from Rank to LastRank.
  std::uint32_t Rank(DigitPosition position) const;
  std::uint32_t LastRank(DigitPosition position) const { return 2 * position.last; }
  std::uint32_t RankOf(const std::string& digits) const;  // of given ones

 private:
  char DigitAt(std::size_t given, std::size_t place) const {
    return place < given_[given].size() ? given_[given][place] : '0';
  }

  std::vector<std::string> given_;  // ascending
};

}  // namespace sentiric::grammar
