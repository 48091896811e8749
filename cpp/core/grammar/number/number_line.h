// SPDX-License-Identifier: AGPL-3.0-only
// Where a number lies among the breaks of a set, told by its digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/grammar/number/digit_order.h"
#include "core/grammar/number/number_pieces.h"

namespace sentiric::grammar {

// Pieces are counted from the lowest: 2i is the open interval below break i, 2i + 1 is break i.
// Immutable; refers to the pieces.
class NumberLine {
 public:
  explicit NumberLine(const NumberPieces& pieces);

  const DigitOrder& order() const { return order_; }

  struct PieceRange {
    std::size_t first = 0;
    std::size_t last = 0;  // inclusive
  };

  bool ContainsZero() const { return contains_zero_; }
  // Of the number ±0.DIGITS × 10^magnitude, with digits of this rank, not 0.
  std::size_t Piece(bool negative, std::int32_t magnitude, std::uint32_t rank) const;
  // Of all numbers ±0.DIGITS… × 10^magnitude that begin with the digits read.
  PieceRange Pieces(bool negative, std::int32_t magnitude, DigitPosition position) const;

  bool Contains(std::size_t piece, Divisibility divisibility) const;
  bool IsEmpty(PieceRange range) const {
    return used_before_[range.first] == used_before_[range.last + 1];
  }

 private:
  struct Break {
    int sign = 0;
    std::int32_t magnitude = 0;
    std::uint32_t rank = 0;
  };

  const NumberPieces& pieces_;
  DigitOrder order_;
  std::vector<Break> breaks_;
  std::vector<std::size_t> used_before_;  // by piece: those before it that contain something
  bool contains_zero_ = false;
};

}  // namespace sentiric::grammar
