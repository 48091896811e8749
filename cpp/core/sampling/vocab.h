// SPDX-License-Identifier: AGPL-3.0-only
// The facts about a vocabulary that samplers need.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/grammar/tokens/token_trie.h"
#include "sentiric/types.h"

namespace sentiric::sampling {

// Immutable.
struct Vocab {
  std::vector<std::string> pieces;  // bytes of each token; empty for control tokens
  std::vector<Token> end_tokens;    // those that end a generation
  std::vector<bool> is_end;         // by token
  std::unordered_map<std::string, Token> control_tokens;  // by text
  std::unique_ptr<const grammar::TokenTrie> trie;

  std::int32_t size() const { return static_cast<std::int32_t>(pieces.size()); }
};

}  // namespace sentiric::sampling
