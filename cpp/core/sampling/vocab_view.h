// SPDX-License-Identifier: AGPL-3.0-only
// A vocabulary as one request sees it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/grammar/automaton/matcher.h"
#include "core/sampling/vocab.h"

namespace sentiric::sampling {

// A few tokens beside the vocabulary that all requests share, so that a view costs next to nothing:
// control tokens that are text for this request, and stop tokens without text, which end an answer
// as end tokens do. Immutable; the vocabulary must outlive it.
class VocabView {
 public:
  VocabView(const Vocab* vocab)  // NOLINT: implicit by intent: the vocabulary as it is
      : vocab_(vocab), end_tokens_(vocab->end_tokens) {}
  VocabView(const Vocab* vocab, const Request& request);

  const Vocab& vocab() const { return *vocab_; }
  std::int32_t size() const { return vocab_->size(); }
  // The bytes that a token adds to the text; valid as long as the view.
  std::string_view Piece(Token token) const;
  bool IsEnd(Token token) const;
  const std::vector<Token>& end_tokens() const { return end_tokens_; }

  // See TokenTrie. Null after a failure of the matcher, Known() also when no mask is cached.
  std::shared_ptr<const grammar::TokenMask> Allowed(grammar::Matcher* matcher) const;
  std::shared_ptr<const grammar::TokenMask> Known(grammar::Matcher* matcher) const;

  // The control token that is text for this request and whose text `text` begins with, the longest
  // one; -1 when there is none.
  Token ShownAt(std::string_view text) const;

 private:
  using MaskPtr = std::shared_ptr<const grammar::TokenMask>;

  MaskPtr WithShown(MaskPtr mask, grammar::Matcher* matcher) const;

  const Vocab* vocab_;
  std::vector<std::pair<Token, std::string>> shown_;  // by token
  std::vector<Token> end_tokens_;
};

}  // namespace sentiric::sampling
