// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/digit_order.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {

DigitOrder::DigitOrder(std::vector<std::string> given) : given_(std::move(given)) {
  std::sort(given_.begin(), given_.end());
  given_.erase(std::unique(given_.begin(), given_.end()), given_.end());
}

DigitPosition DigitOrder::Next(DigitPosition position, char digit) const {
  const std::size_t place = position.length;
  DigitPosition next = position;
  while (next.first < position.last && DigitAt(next.first, place) < digit) ++next.first;
  next.last = next.first;
  while (next.last < position.last && DigitAt(next.last, place) == digit) ++next.last;
  if (next.first == next.last) return {0, next.first, next.first};
  // Behind the end of the only given digits left, all places are alike.
  if (next.last - next.first > 1 || place < given_[next.first].size()) ++next.length;
  return next;
}

std::uint32_t DigitOrder::Rank(DigitPosition position) const {
  const bool equal =
      position.first < position.last && given_[position.first].size() <= position.length;
  return 2 * position.first + (equal ? 1 : 0);
}

std::uint32_t DigitOrder::RankOf(const std::string& digits) const {
  const auto at = std::lower_bound(given_.begin(), given_.end(), digits) - given_.begin();
  return 2 * static_cast<std::uint32_t>(at) + 1;
}

}  // namespace sentiric::grammar
