// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/token_slices.h"

#include <iterator>
#include <utility>

namespace sentiric::grammar {

void TokenSlices::Add(Token token, const TextShape& shape) {
  const bool is_large = shape.num_characters > kMaxCharacters;
  tokens_[{shape.groups, is_large ? Slice::kAnySize : shape.num_characters}].push_back(token);
}

TokenSlices::Words TokenSlices::Find(const Slice& slice, std::size_t num_words) const {
  const MutexLock lock(&mutex_);
  const auto at = kept_.lower_bound(slice);
  if (at != kept_.end() && !(slice < at->first)) return at->second;
  // A slice with smaller tokens of the same groups is a part of this one.
  const bool has_part = at != kept_.begin() && std::prev(at)->first.groups == slice.groups &&
                        std::prev(at)->second != nullptr;
  const Words words =
      has_part ? Build(slice, std::prev(at)->first.max_characters, *std::prev(at)->second)
               : Build(slice, 0, std::vector<std::uint64_t>(num_words));
  if (kept_.size() >= kMaxKept) kept_.clear();
  return kept_[slice] = words;
}

TokenSlices::Words TokenSlices::Build(const Slice& slice, std::uint32_t part_characters,
                                      std::vector<std::uint64_t> words) const {
  std::size_t num_tokens = part_characters > 0 ? kMinTokens : 0;
  for (const auto& [smallest, tokens] : tokens_) {
    if ((smallest.groups & ~slice.groups) != 0 || smallest.max_characters <= part_characters ||
        smallest.max_characters > slice.max_characters) {
      continue;
    }
    num_tokens += tokens.size();
    for (const Token token : tokens) {
      const auto bit = static_cast<std::uint32_t>(token);
      words[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }
  if (num_tokens < kMinTokens) return nullptr;
  return std::make_shared<const std::vector<std::uint64_t>>(std::move(words));
}

}  // namespace sentiric::grammar
