// SPDX-License-Identifier: AGPL-3.0-only
// Chooses tokens by one request's sampling parameters.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/sampling/grammar_filter.h"
#include "sentiric/types.h"

namespace sentiric::sampling {

// One thread at a time. Holds the penalties' memory and the random generator.
class Picker {
 public:
  virtual ~Picker() = default;

  // Picks a token. `logits` has one for each token; `filter` is null without a grammar.
  // kNumeric for NaN or infinite logits, kGrammarTooComplex when the grammar's budget is spent,
  // kInvalidArgument or kInvalidGrammar when the bias or the vocabulary leaves a grammar nothing,
  // kInternal when nothing can be chosen otherwise.
  virtual Result<Token> Pick(const float* logits, GrammarFilter* filter) = 0;

  // Tokens that the next Pick must not choose, ascending; they replace those of the last call.
  virtual void Ban(const std::vector<Token>& tokens) = 0;

  // Remembers a token of the text, for the penalties.
  virtual void Accept(Token token) = 0;

  // Passes over a token that need not be chosen: leaves the random generators where a Pick would.
  // False when that is not possible, because Pick learns from the logits (mirostat).
  virtual bool Skip() = 0;
};

inline Error NotNumbers() {
  return {ErrorCode::kNumeric, "logits", "the model produced NaN or infinite values"};
}
inline Error NothingToChoose() {
  return {ErrorCode::kInternal, "sampling", "no token can be chosen"};
}
// Of allowed_tokens.
inline Error NothingListed() {
  return {
      ErrorCode::kInvalidArgument, "allowed_tokens",
      "none of these tokens may come here: they are banned, or the grammar does not allow them"};
}
// Where the grammar allows `num_allowed` tokens, not counting the end of the text; `banned_by` is
// the field that may have banned them.
inline Error NothingAllowed(std::size_t num_allowed, const char* banned_by = "logit_bias") {
  if (num_allowed > 0) {
    return {ErrorCode::kInvalidArgument, banned_by,
            "forbids all " + std::to_string(num_allowed) + " tokens that the grammar allows here"};
  }
  return {ErrorCode::kInvalidGrammar, "grammar",
          "the model has no token for what the grammar demands here"};
}

}  // namespace sentiric::sampling
