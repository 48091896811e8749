// SPDX-License-Identifier: AGPL-3.0-only
// What masks need to know of a vocabulary.
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/tokens/token_slices.h"
#include "core/grammar/tokens/token_tails.h"
#include "core/grammar/tokens/trie.h"

namespace sentiric::grammar {

struct TokenIndex {
  Trie trie;
  std::vector<std::uint32_t> node_of_token;
  TokenSlices slices;
  TokenTails tails;
  std::uint32_t max_characters = 0;  // of any token
};

}  // namespace sentiric::grammar
