// SPDX-License-Identifier: AGPL-3.0-only
// The tokens of a vocabulary by their bytes, to check all of them against a grammar at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/grammar/matcher.h"
#include "core/grammar/token_mask.h"
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
  static constexpr Token kNoToken = -1;

  // In preorder: the descendants of a node follow it, up to `skip`.
  struct Node {
    std::uint32_t skip = 0;
    Token token = kNoToken;   // the token that ends here
    std::uint16_t depth = 0;  // number of bytes before this one
    std::uint8_t byte = 0;
  };

  void Insert(const std::string& bytes, std::size_t num_shared, Token token,
              std::vector<std::uint32_t>* path);
  // kOutOfBudget leaves the mask incomplete.
  bool Walk(Automaton* automaton, StateId state, StepBudget* budget, TokenMask* mask) const
      REQUIRES(automaton->mutex());

  const std::size_t num_tokens_;
  std::vector<Node> nodes_;
  std::vector<std::pair<Token, Token>> twins_;  // equal bytes; only the first is in a node
  std::uint32_t max_token_bytes_ = 0;
  mutable MaskCache masks_;
};

}  // namespace sentiric::grammar
