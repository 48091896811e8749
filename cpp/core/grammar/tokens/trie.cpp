// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/trie.h"

#include <algorithm>

namespace sentiric::grammar {
namespace {

std::uint8_t Saturated(std::uint32_t n) {
  return static_cast<std::uint8_t>(std::min<std::uint32_t>(n, UINT8_MAX));
}

class Builder {
 public:
  explicit Builder(const std::vector<TokenText>& texts) {
    for (const auto& [text, token] : texts) {
      if (!text.empty()) texts_.push_back({text, token, ShapeOf(text)});
    }
    std::sort(texts_.begin(), texts_.end(), [](const Text& x, const Text& y) {
      if (x.IsBroken() != y.IsBroken()) return y.IsBroken();
      const int c = x.text.compare(y.text);
      return c != 0 ? c < 0 : x.token < y.token;
    });
  }

  Trie Build() {
    trie_.nodes.emplace_back();
    open_.push_back({0, 0, texts_.size(), 0});
    while (!open_.empty()) {
      Open top = open_.back();
      open_.pop_back();
      AddText(&top);
      AddChildren(top);
    }
    trie_.first_token.push_back(static_cast<std::uint32_t>(trie_.tokens.size()));
    for (std::size_t i = trie_.nodes.size(); i > 0; --i) SumUp(&trie_.nodes[i - 1]);
    return std::move(trie_);
  }

 private:
  struct Text {
    std::string_view text;
    Token token = 0;
    TextShape shape;

    bool IsBroken() const { return (shape.groups & kBrokenCharacters) != 0; }
  };
  struct Open {
    std::uint32_t node = 0;
    std::size_t begin = 0, end = 0;  // the texts that begin with it
    std::size_t size = 0;            // of its own
  };

  // The text of the node itself comes first.
  void AddText(Open* open) {
    if (open->begin == open->end || texts_[open->begin].text.size() > open->size) return;
    TrieNode& node = trie_.nodes[open->node];
    const TextShape& shape = texts_[open->begin].shape;
    node.text = static_cast<std::uint32_t>(trie_.first_token.size());
    node.groups = shape.groups;
    node.max_characters = Saturated(shape.num_characters);
    trie_.first_token.push_back(static_cast<std::uint32_t>(trie_.tokens.size()));
    for (; open->begin < open->end && texts_[open->begin].text.size() == open->size; ++open->begin)
      trie_.tokens.push_back(texts_[open->begin].token);
  }

  // They are opened one after another, so that the descendants of a node lie side by side.
  void AddChildren(const Open& parent) {
    trie_.nodes[parent.node].first_child = static_cast<std::uint32_t>(trie_.nodes.size());
    const auto num_before = static_cast<std::ptrdiff_t>(open_.size());
    for (std::size_t begin = parent.begin, end = begin; begin < parent.end; begin = end) {
      const Text& first = texts_[begin];
      const std::string_view text = first.text.substr(0, parent.size + 1);
      while (end < parent.end && texts_[end].text[parent.size] == text.back() &&
             texts_[end].IsBroken() == first.IsBroken()) {
        ++end;
      }
      open_.push_back({static_cast<std::uint32_t>(trie_.nodes.size()), begin, end, text.size()});
      TrieNode child;
      child.byte = static_cast<std::uint8_t>(text.back());
      child.num_characters = Saturated(ShapeOf(text).num_characters);
      trie_.nodes.push_back(child);
      ++trie_.nodes[parent.node].num_children;
    }
    std::reverse(open_.begin() + num_before, open_.end());
  }

  // After its children, which come later than it.
  void SumUp(TrieNode* node) {
    node->end = node->children_end();
    for (std::uint32_t i = node->first_child; i < node->children_end(); ++i) {
      const TrieNode& child = trie_.nodes[i];
      node->groups |= child.groups;
      node->max_characters = std::max(node->max_characters, child.max_characters);
      node->end = std::max(node->end, child.end);
    }
  }

  std::vector<Text> texts_;
  std::vector<Open> open_;
  Trie trie_;
};

}  // namespace

Trie MakeTrie(const std::vector<TokenText>& texts) { return Builder(texts).Build(); }

std::vector<std::uint32_t> NodesOfTokens(const Trie& trie, std::size_t num_tokens) {
  std::vector<std::uint32_t> nodes(num_tokens);
  for (std::uint32_t i = 0; i < trie.nodes.size(); ++i) {
    trie.ForEachToken(trie.nodes[i],
                      [&nodes, i](Token token) { nodes[static_cast<std::size_t>(token)] = i; });
  }
  return nodes;
}

}  // namespace sentiric::grammar
