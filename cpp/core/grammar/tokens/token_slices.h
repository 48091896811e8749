// SPDX-License-Identifier: AGPL-3.0-only
// Sets of tokens that consist of characters of some groups, as ready masks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/grammar/automaton/byte_groups.h"
#include "core/grammar/tokens/token_mask.h"
#include "core/sync/mutex.h"
#include "sentiric/types.h"

namespace sentiric::grammar {

// Which tokens a slice has: they have up to `max_characters` characters, all of `groups`.
struct Slice {
  static constexpr std::uint32_t kAnySize = UINT32_MAX;

  GroupSet groups = 0;
  std::uint32_t max_characters = 0;
};
inline bool operator<(const Slice& x, const Slice& y) {
  return x.groups != y.groups ? x.groups < y.groups : x.max_characters < y.max_characters;
}

// One per vocabulary. Thread-safe after the last Add().
class TokenSlices {
 public:
  // Tokens are told apart by size up to this; larger ones are in slices of any size only.
  static constexpr std::uint32_t kMaxCharacters = 32;

  void Add(Token token, const TextShape& shape);

  // Whether a slice of these groups can be large enough to be of use.
  bool HasMany(GroupSet groups) const;
  // Null when the slice is too small to be of use. Keeps some slices.
  std::shared_ptr<const TokenMask> Find(const Slice& slice, std::size_t num_words) const;

 private:
  static constexpr std::size_t kMinTokens = 200;
  static constexpr std::size_t kMaxKept = 200;

  using MaskPtr = std::shared_ptr<const TokenMask>;

  // `mask` has the tokens of up to `part_characters` characters already.
  MaskPtr Build(const Slice& slice, std::uint32_t part_characters, TokenMask mask) const;

  std::map<Slice, std::vector<Token>> tokens_;  // by the smallest slice that has them
  mutable Mutex mutex_;
  mutable std::map<Slice, MaskPtr> kept_ GUARDED_BY(mutex_);
  mutable std::unordered_map<GroupSet, bool> has_many_ GUARDED_BY(mutex_);
};

}  // namespace sentiric::grammar
