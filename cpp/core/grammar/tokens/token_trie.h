// SPDX-License-Identifier: AGPL-3.0-only
// The tokens of a vocabulary by their bytes, to check all of them against a grammar at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/grammar/automaton/matcher.h"
#include "core/grammar/tokens/token_index.h"
#include "core/grammar/tokens/token_mask.h"
#include "core/sync/mutex.h"
#include "sentiric/error.h"
#include "sentiric/types.h"

namespace sentiric::grammar {

// One per vocabulary. Thread-safe after construction; a matcher is still used by one thread at a
// time.
class TokenTrie {
 public:
  static constexpr std::size_t kMaxMaskBytes = 16 * 1024 * 1024;

  // token_bytes[t]: the bytes that token t adds to the text; empty for tokens that are never
  // allowed (control tokens, unused ones).
  explicit TokenTrie(const std::vector<std::string>& token_bytes,
                     std::size_t max_mask_bytes = kMaxMaskBytes);

  // All tokens that matcher->Accepts() would accept. End-of-generation tokens are up to the caller:
  // allowed when matcher->CanEnd(). Masks are shared and cached by state. Errors:
  // kGrammarTooComplex, after which the matcher has failed.
  Result<std::shared_ptr<const TokenMask>> Allowed(Matcher* matcher) const;

  // The same mask if it is cached, else null; costs two look-ups.
  std::shared_ptr<const TokenMask> Known(Matcher* matcher) const;

  std::size_t num_tokens() const { return num_tokens_; }
  std::size_t MaskBytes() const { return masks_.ByteSize(); }

 private:
  // Few tokens have more characters.
  static constexpr std::uint32_t kSmall = TokenSlices::kMaxCharacters;

  using MaskPtr = std::shared_ptr<const TokenMask>;

  // The mask of a state, except that it forgets keys; null when the budget ran out.
  MaskPtr FindMask(const std::shared_ptr<Automaton>& automaton, StateId state,
                   StepBudget* budget) const REQUIRES(automaton->mutex());
  // The same mask with small tokens only: many more states share it.
  MaskPtr FindSmall(const std::shared_ptr<Automaton>& automaton, StateId state,
                    StepBudget* budget) const REQUIRES(automaton->mutex());
  // `mask` forgets keys; the result does not. Null when the budget ran out.
  MaskPtr WithoutRepeatedKeys(const std::shared_ptr<Automaton>& automaton, StateId state,
                              const TokenMask& mask, StepBudget* budget) const
      REQUIRES(automaton->mutex());
  static bool NeedsKeys(Automaton* automaton, StateId state, const TokenMask& mask)
      REQUIRES(automaton->mutex());

  const std::size_t num_tokens_;
  TokenIndex index_;
  mutable MaskCache masks_;
};

}  // namespace sentiric::grammar
