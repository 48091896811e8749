// SPDX-License-Identifier: AGPL-3.0-only
// Walks of the trie of a vocabulary along the states of a grammar.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/grammar/automaton/automaton.h"
#include "core/grammar/automaton/token_mask.h"
#include "core/grammar/automaton/token_slices.h"
#include "sentiric/types.h"

namespace sentiric::grammar {

inline constexpr Token kNoToken = -1;

struct TrieNode {
  std::uint32_t skip = 0;   // behind its descendants
  Token token = kNoToken;   // the token that ends here
  GroupSet groups = 0;      // of the characters of all tokens that end here or below
  std::uint16_t depth = 0;  // number of bytes before this one
  std::uint8_t byte = 0;
  std::uint8_t num_characters = 0;  // up to this byte; 255 = this or more, as below
  std::uint8_t max_characters = 0;  // of all tokens that end here or below
};

struct Trie {
  std::vector<TrieNode> nodes;       // in preorder
  std::uint32_t max_depth = 0;       // bytes of the longest token
  std::uint32_t max_characters = 0;  // of any token
  TokenSlices slices;
  std::array<std::uint32_t, 256> first{};  // by byte: the node at depth 0, or nodes.size()
};

// Numbers of characters of tokens, inclusive.
struct TokenSizes {
  std::uint32_t min = 1;
  std::uint32_t max = Slice::kAnySize;
};

// Adds the tokens of these sizes that may follow, and the places of their keys, to a mask. Most of
// the time is saved by not looking at tokens one by one: where a state treats groups of characters
// alike, their tokens are a slice of the vocabulary (the idea is that of llguidance's slicer), and
// parts of the trie with nothing else are skipped. False when the budget ran out, which leaves the
// mask incomplete.
bool AddAllowed(const Trie& trie, TokenSizes sizes, Automaton* automaton, StateId state,
                StepBudget* budget, TokenMask* mask) REQUIRES(automaton->mutex());

// Removes from the mask of a state that forgets its keys the tokens that repeat a key; `places` are
// those of that mask. Walks only where a remembered key, or a second one in a token, may appear.
// False when the budget ran out.
bool RemoveRepeatedKeys(const Trie& trie, Automaton* automaton, StateId state,
                        const std::vector<KeyPlace>& places, StepBudget* budget, TokenMask* mask)
    REQUIRES(automaton->mutex());

}  // namespace sentiric::grammar
