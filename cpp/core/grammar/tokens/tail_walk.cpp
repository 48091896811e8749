// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/tail_walk.h"

#include "core/grammar/tokens/trie_descent.h"

namespace sentiric::grammar {

bool AddByTails(const Trie& tails, Automaton* automaton, StateId state, StepBudget* budget,
                TokenMask* mask, std::vector<Token>* left) {
  TrieDescent<StateId> descent(tails);
  descent.Enter(0, state);
  while (const auto i = descent.Next()) {
    const TrieNode& node = tails.nodes[*i];
    const StateId next = automaton->Next(descent.above(), node.byte, budget);
    if (next == kOutOfBudget) return false;
    if (next == kDeadState) continue;
    if (automaton->key_check(next) != KeyCheck::kNone) {
      tails.ForEachTokenFrom(*i, [left](Token token) { left->push_back(token); });
      continue;
    }
    tails.ForEachToken(node, [mask](Token token) { mask->Add(token); });
    descent.Enter(*i, next);
  }
  return true;
}

}  // namespace sentiric::grammar
