// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/grammar/tokens/trie.h"

namespace sentiric::grammar {

// A walk of a trie, depth first, that keeps something of each node above the place where it is.
// Nodes that are not entered are passed over with all below.
template <typename Kept>
class TrieDescent {
 public:
  explicit TrieDescent(const Trie& trie) : nodes_(trie.nodes) {}

  // Its children are next.
  void Enter(std::uint32_t node, Kept kept) {
    const TrieNode& parent = nodes_[node];
    if (parent.num_children > 0)
      levels_.push_back({parent.first_child, parent.children_end(), std::move(kept)});
  }
  // This node alone is next.
  void EnterOne(std::uint32_t node, Kept kept) {
    levels_.push_back({node, node + 1, std::move(kept)});
  }

  // nullopt at the end.
  std::optional<std::uint32_t> Next() {
    while (!levels_.empty() && levels_.back().at == levels_.back().end) levels_.pop_back();
    if (levels_.empty()) return std::nullopt;
    return levels_.back().at++;
  }

  // Of the node that was next: what was kept of its parent, and how many nodes were entered to it.
  const Kept& above() const { return levels_.back().kept; }
  std::size_t depth() const { return levels_.size(); }

 private:
  struct Level {
    std::uint32_t at = 0;
    std::uint32_t end = 0;
    Kept kept;
  };

  const std::vector<TrieNode>& nodes_;
  std::vector<Level> levels_;
};

}  // namespace sentiric::grammar
