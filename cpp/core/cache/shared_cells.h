// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Which sequences of a unified KV cache have cells in common. These are always the first ones of
// both. A shift of such cells would move them for all: see PrefixCache::NumShared.
class SharedCells {
 public:
  explicit SharedCells(std::size_t sequences)
      : common_(sequences, std::vector<std::int32_t>(sequences, 0)) {}

  // The empty sequence `to` gets the first `count` cells of `from`, and so shares with whoever
  // does.
  void OnCopied(SeqId from, SeqId to, std::int32_t count) {
    for (SeqId other = 0; other < size(); ++other) {
      if (other != to) Set(to, other, other == from ? count : std::min(count, At(from, other)));
    }
  }

  // The sequence gave back its cells from `length` on, or moved them.
  void OnCut(SeqId seq, std::int32_t length) {
    for (SeqId other = 0; other < size(); ++other)
      Set(seq, other, std::min(length, At(seq, other)));
  }

  // How many cells of the sequence another one has as well.
  std::int32_t NumShared(SeqId seq) const {
    const std::vector<std::int32_t>& row = common_[static_cast<std::size_t>(seq)];
    return *std::max_element(row.begin(), row.end());
  }

 private:
  SeqId size() const { return static_cast<SeqId>(common_.size()); }
  std::int32_t At(SeqId a, SeqId b) const {
    return common_[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
  }
  void Set(SeqId a, SeqId b, std::int32_t count) {
    common_[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)] = count;
    common_[static_cast<std::size_t>(b)][static_cast<std::size_t>(a)] = count;
  }

  std::vector<std::vector<std::int32_t>> common_;  // by two sequences; symmetric
};

}  // namespace sentiric
