// SPDX-License-Identifier: AGPL-3.0-only
// The tokens that a request's grammar allows next.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/grammar/automaton/matcher.h"
#include "core/sampling/vocab_view.h"

namespace sentiric::sampling {

// One thread at a time. Not copyable: it belongs to one request.
class GrammarFilter {
 public:
  // The vocabulary must outlive the filter.
  GrammarFilter(std::shared_ptr<const grammar::Grammar> grammar, VocabView vocab)
      : vocab_(std::move(vocab)), matcher_(std::move(grammar)) {}
  GrammarFilter(const GrammarFilter&) = delete;
  GrammarFilter& operator=(const GrammarFilter&) = delete;

  // Whether the token may follow: looked up in the mask if it is known, else checked by its bytes.
  bool Allows(Token token);
  // All allowed tokens, except end tokens, which are allowed when CanEnd(). Computing a mask that
  // is not cached takes milliseconds. Null after a failure; see status().
  const grammar::TokenMask* Mask();
  bool CanEnd() const { return matcher_.CanEnd(); }

  // The bytes that must follow; may end inside a character.
  std::string Forced(std::size_t max_bytes) {
    return matcher_.Forced(max_bytes).value_or(std::string());
  }

  // Whether the bytes may follow; does not move.
  bool Accepts(std::string_view piece) { return matcher_.Accepts(piece); }
  // Moves past the bytes of a chosen token; false when they may not follow.
  bool Advance(std::string_view piece);
  // kGrammarTooComplex once the grammar's budget is spent.
  Status status() const { return matcher_.error(); }

 private:
  const VocabView vocab_;
  grammar::Matcher matcher_;
  std::shared_ptr<const grammar::TokenMask> mask_;  // of this state, once it was needed
  bool has_looked_ = false;                         // for a cached mask of this state
};

}  // namespace sentiric::sampling
