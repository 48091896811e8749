// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/token_slices.h"

#include <iterator>
#include <utility>

namespace sentiric::grammar {

void TokenSlices::Add(Token token, const TextShape& shape) {
  const bool is_large = shape.num_characters > kMaxCharacters;
  tokens_[{shape.groups, is_large ? Slice::kAnySize : shape.num_characters}].push_back(token);
}

bool TokenSlices::HasMany(GroupSet groups) const {
  const MutexLock lock(&mutex_);
  const auto known = has_many_.find(groups);
  if (known != has_many_.end()) return known->second;
  std::size_t num_tokens = 0;
  for (const auto& [smallest, tokens] : tokens_)
    num_tokens += (smallest.groups & ~groups) == 0 ? tokens.size() : 0;
  if (has_many_.size() >= kMaxKept) has_many_.clear();
  return has_many_[groups] = num_tokens >= kMinTokens;
}

std::shared_ptr<const TokenMask> TokenSlices::Find(const Slice& slice,
                                                   std::size_t num_words) const {
  const MutexLock lock(&mutex_);
  const auto at = kept_.lower_bound(slice);
  if (at != kept_.end() && !(slice < at->first)) return at->second;
  // A slice with smaller tokens of the same groups is a part of this one.
  const bool has_part = at != kept_.begin() && std::prev(at)->first.groups == slice.groups &&
                        std::prev(at)->second != nullptr;
  TokenMask empty;
  empty.words.resize(num_words);
  const MaskPtr mask =
      has_part ? Build(slice, std::prev(at)->first.max_characters, *std::prev(at)->second)
               : Build(slice, 0, std::move(empty));
  if (kept_.size() >= kMaxKept) kept_.clear();
  return kept_[slice] = mask;
}

TokenSlices::MaskPtr TokenSlices::Build(const Slice& slice, std::uint32_t part_characters,
                                        TokenMask mask) const {
  for (const auto& [smallest, tokens] : tokens_) {
    if ((smallest.groups & ~slice.groups) != 0 || smallest.max_characters <= part_characters ||
        smallest.max_characters > slice.max_characters) {
      continue;
    }
    for (const Token token : tokens) mask.Add(token);
  }
  if (mask.num_allowed < kMinTokens) return nullptr;
  return std::make_shared<const TokenMask>(std::move(mask));
}

}  // namespace sentiric::grammar
