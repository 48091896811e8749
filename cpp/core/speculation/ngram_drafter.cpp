// SPDX-License-Identifier: AGPL-3.0-only
#include "core/speculation/ngram_drafter.h"

#include <algorithm>

namespace sentiric {

std::vector<Token> NgramDrafter::Draft(const std::vector<Token>& tokens, std::int32_t limit) {
  constexpr auto kSize = static_cast<std::size_t>(kLength);
  if (tokens.size() < indexed_) {  // a context shift removed tokens
    follows_.clear();
    indexed_ = 0;
  }
  std::vector<Token> draft;
  if (tokens.size() <= kSize || limit <= 0) return draft;
  for (std::size_t end = std::max(indexed_, kSize); end < tokens.size(); ++end) {
    follows_[KeyAt(tokens, end)] = end;
  }
  indexed_ = tokens.size();
  const auto found = follows_.find(KeyAt(tokens, tokens.size()));
  if (found == follows_.end()) return draft;
  const std::size_t from = found->second;
  // Keys are hashes, so compare the tokens.
  if (!std::equal(tokens.end() - kLength, tokens.end(),
                  tokens.begin() + static_cast<std::ptrdiff_t>(from) - kLength)) {
    return draft;
  }
  // A repetition that is shorter than the draft continues with the drafted tokens.
  const std::size_t period = tokens.size() - from;
  for (std::size_t i = 0; i < static_cast<std::size_t>(limit); ++i) {
    draft.push_back(i < period ? tokens[from + i] : draft[i - period]);
  }
  return draft;
}

// The key of the kLength tokens before `end`.
std::uint64_t NgramDrafter::KeyAt(const std::vector<Token>& tokens, std::size_t end) {
  std::uint64_t key = 14695981039346656037ULL;
  for (std::size_t i = end - static_cast<std::size_t>(kLength); i < end; ++i) {
    key = (key ^ static_cast<std::uint64_t>(tokens[i])) * 1099511628211ULL;
  }
  return key;
}

// A request with a match may take all of the remaining room.
Result<Drafts> PromptLookup::Draft(const std::vector<DraftRequest>& requests, std::int32_t room) {
  Drafts drafts;
  for (const DraftRequest& request : requests) {
    drafts.tokens.push_back(
        drafters_[request.seq].Draft(*request.tokens, std::min(room, request.limit)));
    room -= static_cast<std::int32_t>(drafts.tokens.back().size());
  }
  return drafts;
}

}  // namespace sentiric
