// SPDX-License-Identifier: AGPL-3.0-only
// The tokens that a request's grammar allows next.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/grammar/matcher.h"
#include "core/sampling/vocab.h"

namespace sentiric::sampling {

// One thread at a time. Not copyable: a request has one.
class GrammarFilter {
 public:
  // `vocab` must outlive it.
  GrammarFilter(std::shared_ptr<const grammar::Grammar> grammar, const Vocab* vocab)
      : vocab_(*vocab), matcher_(std::move(grammar)) {}
  GrammarFilter(const GrammarFilter&) = delete;
  GrammarFilter& operator=(const GrammarFilter&) = delete;

  // One token: by the mask when it is known, by its bytes otherwise.
  bool Allows(Token token);
  // All of them but end tokens, which are allowed when CanEnd(). A mask that is not cached takes
  // milliseconds. Null after a failure, which status() tells.
  const grammar::TokenMask* Mask();
  bool CanEnd() const { return matcher_.CanEnd(); }

  // What must follow, byte for byte; may end inside a character.
  std::string Forced(std::size_t max_bytes) {
    return matcher_.Forced(max_bytes).value_or(std::string());
  }

  // Moves past a chosen piece; false when it may not follow.
  bool Advance(std::string_view piece);
  // kGrammarTooComplex once the grammar's budget is spent.
  Status status() const { return matcher_.error(); }

 private:
  const Vocab& vocab_;
  grammar::Matcher matcher_;
  std::shared_ptr<const grammar::TokenMask> mask_;  // of this state, once it was asked for
  bool has_looked_ = false;                         // in the cache
};

}  // namespace sentiric::sampling
