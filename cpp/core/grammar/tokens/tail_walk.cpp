// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/tail_walk.h"

#include <cstdint>

namespace sentiric::grammar {
namespace {

// The children of a node that are still to be visited.
struct Level {
  std::uint32_t at = 0;
  std::uint32_t end = 0;
  StateId state = kDeadState;  // after the node
};

}  // namespace

bool AddByTails(const Trie& tails, Automaton* automaton, StateId state, StepBudget* budget,
                TokenMask* mask, std::vector<Token>* left) {
  const TrieNode& root = tails.nodes.front();
  std::vector<Level> levels = {{root.first_child, root.children_end(), state}};
  while (!levels.empty()) {
    if (levels.back().at == levels.back().end) {
      levels.pop_back();
      continue;
    }
    const std::uint32_t i = levels.back().at++;
    const TrieNode& node = tails.nodes[i];
    const StateId next = automaton->Next(levels.back().state, node.byte, budget);
    if (next == kOutOfBudget) return false;
    if (next == kDeadState) continue;
    if (automaton->key_check(next) != KeyCheck::kNone) {
      tails.ForEachTokenFrom(i, [left](Token token) { left->push_back(token); });
      continue;
    }
    tails.ForEachToken(node, [mask](Token token) { mask->Add(token); });
    if (node.num_children > 0) levels.push_back({node.first_child, node.children_end(), next});
  }
  return true;
}

}  // namespace sentiric::grammar
