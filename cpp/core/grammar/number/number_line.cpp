// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/number_line.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sentiric::grammar {
namespace {

DigitOrder OrderOf(const std::vector<Decimal>& numbers) {
  std::vector<std::string> digits;
  for (const Decimal& number : numbers) {
    if (!number.IsZero()) digits.push_back(number.digits());
  }
  return DigitOrder(std::move(digits));
}

}  // namespace

NumberLine::NumberLine(const NumberPieces& pieces)
    : pieces_(pieces), order_(OrderOf(pieces.breaks)) {
  for (const Decimal& number : pieces.breaks) {
    const std::uint32_t rank = number.IsZero() ? 0 : order_.RankOf(number.digits());
    breaks_.push_back({number.Sign(), number.magnitude(), rank});
  }
  used_before_.push_back(0);
  for (std::size_t piece = 0; piece <= 2 * pieces.breaks.size(); ++piece) {
    const bool used = piece % 2 == 1 ? pieces.at_breaks[piece / 2] : pieces.between[piece / 2] != 0;
    used_before_.push_back(used_before_.back() + (used ? 1 : 0));
  }
  contains_zero_ = pieces.Contains(Decimal());
}

std::size_t NumberLine::Piece(bool negative, std::int32_t magnitude, std::uint32_t rank) const {
  // <0, 0 or >0 as the break is below, equal to or above the number.
  const auto compare = [&](const Break& at) {
    const int sign = negative ? -1 : 1;
    if (at.sign != sign) return at.sign < sign ? -1 : 1;
    if (at.magnitude != magnitude) return at.magnitude < magnitude ? -sign : sign;
    if (at.rank != rank) return at.rank < rank ? -sign : sign;
    return 0;
  };
  const auto at = std::partition_point(breaks_.begin(), breaks_.end(),
                                       [&](const Break& x) { return compare(x) < 0; });
  const bool equal = at != breaks_.end() && compare(*at) == 0;
  return 2 * static_cast<std::size_t>(at - breaks_.begin()) + (equal ? 1 : 0);
}

NumberLine::PieceRange NumberLine::Pieces(bool negative, std::int32_t magnitude,
                                          DigitPosition position) const {
  const std::size_t least = Piece(negative, magnitude, order_.Rank(position));
  const std::size_t greatest = Piece(negative, magnitude, order_.LastRank(position));
  return {std::min(least, greatest), std::max(least, greatest)};
}

bool NumberLine::Contains(std::size_t piece, Divisibility divisibility) const {
  if (piece % 2 == 1) return pieces_.at_breaks[piece / 2];
  return (pieces_.between[piece / 2] >> divisibility & 1) != 0;
}

}  // namespace sentiric::grammar
