// SPDX-License-Identifier: AGPL-3.0-only
// Texts of tokens as a tree of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/grammar/automaton/byte_groups.h"
#include "sentiric/types.h"

namespace sentiric::grammar {

inline constexpr std::uint32_t kNoText = UINT32_MAX;

// A beginning of texts. Siblings lie side by side, so that a walk finds all ways to go on from a
// place in a few lines of the processor's cache; a vocabulary has hundreds of thousands of nodes.
struct TrieNode {
  std::uint32_t first_child = 0;
  std::uint32_t end = 0;         // behind its descendants, which begin with its children
  std::uint32_t text = kNoText;  // the text that ends here
  GroupSet groups = 0;           // of the characters of all texts that end here or below
  std::uint16_t num_children = 0;
  std::uint8_t byte = 0;            // the last one
  std::uint8_t num_characters = 0;  // 255 = this or more, as below
  std::uint8_t max_characters = 0;  // of all texts that end here or below

  std::uint32_t children_end() const { return first_child + num_children; }
};

// The root has two children for a byte with which both whole and broken texts begin (those that
// have parts of characters): walks skip the many texts of a script at once, and look at the few
// parts.
struct Trie {
  std::vector<TrieNode> nodes;             // depth first; the first is the empty text
  std::vector<std::uint32_t> first_token;  // by text, and the end of the last one
  std::vector<Token> tokens;               // those with the same text side by side

  template <typename Use>
  void ForEachToken(const TrieNode& node, Use use) const {
    if (node.text == kNoText) return;
    for (std::uint32_t i = first_token[node.text]; i < first_token[node.text + 1]; ++i)
      use(tokens[i]);
  }
  // Those of the nodes below, too.
  template <typename Use>
  void ForEachTokenFrom(std::uint32_t node, Use use) const {
    ForEachToken(nodes[node], use);
    for (std::uint32_t i = nodes[node].first_child; i < nodes[node].end; ++i)
      ForEachToken(nodes[i], use);
  }
};

struct TokenText {
  std::string_view text;
  Token token = 0;
};

// Texts that are empty are left out.
Trie MakeTrie(const std::vector<TokenText>& texts);

// By token, the node where its text ends; 0 for tokens that are not in the trie.
std::vector<std::uint32_t> NodesOfTokens(const Trie& trie, std::size_t num_tokens);

}  // namespace sentiric::grammar
