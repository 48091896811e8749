// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/token_bans.h"

#include <algorithm>

namespace sentiric::sampling {
namespace {

constexpr std::size_t kLongestWord = 64;

void SortOut(std::vector<Token>* tokens) {
  std::sort(tokens->begin(), tokens->end());
  tokens->erase(std::unique(tokens->begin(), tokens->end()), tokens->end());
}

}  // namespace

std::vector<Token> ListedTokens(const SamplingParams& params,
                                const std::vector<Token>& end_tokens) {
  std::vector<Token> listed = params.allowed_tokens;
  if (listed.empty()) return listed;
  listed.insert(listed.end(), end_tokens.begin(), end_tokens.end());
  SortOut(&listed);
  return listed;
}

TokenBans::TokenBans(const Request& request, const VocabView& vocab)
    : min_tokens_(static_cast<std::size_t>(std::max(0, request.min_tokens))),
      ends_(vocab.end_tokens()),
      bad_words_(request.bad_words) {
  ends_.insert(ends_.end(), request.stop_tokens.begin(), request.stop_tokens.end());
}

void TokenBans::Accept(Token token) {
  ++num_tokens_;
  if (bad_words_.empty()) return;
  if (newest_.size() >= 2 * kLongestWord)
    newest_.erase(newest_.begin(), newest_.end() - kLongestWord);
  newest_.push_back(token);
}

const std::vector<Token>& TokenBans::Now() {
  banned_.clear();
  if (num_tokens_ < min_tokens_) banned_ = ends_;
  for (const std::vector<Token>& word : bad_words_) {
    const std::size_t before = word.size() - 1;
    if (before <= newest_.size() &&
        std::equal(word.begin(), word.end() - 1, newest_.end() - before))
      banned_.push_back(word.back());
  }
  SortOut(&banned_);
  return banned_;
}

}  // namespace sentiric::sampling
