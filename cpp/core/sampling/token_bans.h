// SPDX-License-Identifier: AGPL-3.0-only
// Tokens that a request must not choose at some places of its answer.
#pragma once

#include <cstddef>
#include <vector>

#include "core/sampling/vocab_view.h"
#include "sentiric/types.h"

namespace sentiric::sampling {

// allowed_tokens and the end tokens, ascending; none when all tokens are allowed.
std::vector<Token> ListedTokens(const SamplingParams& params, const std::vector<Token>& end_tokens);

// min_tokens and bad_words: what they ban depends on the tokens of the answer so far. One thread at
// a time.
class TokenBans {
 public:
  TokenBans(const Request& request, const VocabView& vocab);

  // Whether there can be any.
  bool IsNeeded() const { return min_tokens_ > 0 || !bad_words_.empty(); }
  // The next token of the answer.
  void Accept(Token token);
  // Of the next token, ascending. Valid until the next call.
  const std::vector<Token>& Now();

 private:
  const std::size_t min_tokens_;
  std::vector<Token> ends_;  // end and stop tokens
  const std::vector<std::vector<Token>> bad_words_;
  std::size_t num_tokens_ = 0;
  std::vector<Token> newest_;  // at least the longest bad word needs, if there are so many
  std::vector<Token> banned_;
};

}  // namespace sentiric::sampling
