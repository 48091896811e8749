// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/key_walk.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/grammar/tokens/trie_descent.h"

namespace sentiric::grammar {
namespace {

// Of a node that was entered.
struct Kept {
  StateId state = kDeadState;  // after it
  bool is_checked = false;     // it or one above is the place of a key
};

class KeyWalk {
 public:
  KeyWalk(const Trie& trie, Automaton* automaton, const std::vector<KeyPlace>& places,
          StepBudget* budget, TokenMask* mask)
      : trie_(trie), automaton_(*automaton), places_(places), budget_(*budget), mask_(*mask) {}

  bool Run(StateId state) REQUIRES(automaton_.mutex()) {
    descent_.Enter(0, {state, false});
    while (const auto i = descent_.Next()) {
      if (!Visit(*i, descent_.above())) return false;
    }
    return true;
  }

 private:
  // False when the budget ran out.
  bool Visit(std::uint32_t i, Kept above) REQUIRES(automaton_.mutex()) {
    const TrieNode& node = trie_.nodes[i];
    const bool is_place = NumPlaces(i, i + 1) > 0;
    if (!is_place && NumPlaces(node.first_child, node.end) == 0) return true;
    if (!above.is_checked && CannotRefuse(node, above.state)) return true;
    const StateId next = automaton_.Next(above.state, node.byte, &budget_);
    if (next == kOutOfBudget) return false;
    // From here on, the state is another one than without keys.
    if (next == kDeadState || automaton_.key_check(next) == KeyCheck::kRefused)
      return RemoveRefused(i, above.state);
    descent_.Enter(i, {next, above.is_checked || is_place});
    return true;
  }

  using Place = std::vector<KeyPlace>::const_iterator;
  Place FirstPlace(std::uint32_t node) const {
    return std::lower_bound(places_.begin(), places_.end(), node,
                            [](const KeyPlace& place, std::uint32_t n) { return place.node < n; });
  }
  std::ptrdiff_t NumPlaces(std::uint32_t begin, std::uint32_t end) const {
    return begin < end ? FirstPlace(end) - FirstPlace(begin) : 0;
  }

  // Whether no token with this node can repeat a key.
  bool CannotRefuse(const TrieNode& node, StateId state) REQUIRES(automaton_.mutex()) {
    if (automaton_.MayRefuse(state, node.byte)) return false;
    return node.first_child >= node.end ||
           std::none_of(FirstPlace(node.first_child), FirstPlace(node.end),
                        [](const KeyPlace& place) { return place.is_repeated; });
  }

  // Checks all tokens with this node.
  bool RemoveRefused(std::uint32_t top, StateId state) REQUIRES(automaton_.mutex()) {
    TrieDescent<StateId> descent(trie_);
    descent.EnterOne(top, state);
    while (const auto i = descent.Next()) {
      const StateId next = automaton_.Next(descent.above(), trie_.nodes[*i].byte, &budget_);
      if (next == kOutOfBudget) return false;
      if (next == kDeadState) {
        trie_.ForEachTokenFrom(*i, [this](Token token) { mask_.Remove(token); });
      } else {
        descent.Enter(*i, next);
      }
    }
    return true;
  }

  const Trie& trie_;
  Automaton& automaton_;
  const std::vector<KeyPlace>& places_;
  StepBudget& budget_;
  TokenMask& mask_;
  TrieDescent<Kept> descent_{trie_};
};

}  // namespace

// The analysis does not see that the automaton of a walk is the one whose mutex is held.
bool RemoveRepeatedKeys(const Trie& trie, Automaton* automaton, StateId state,
                        const std::vector<KeyPlace>& places, StepBudget* budget,
                        TokenMask* mask) NO_THREAD_SAFETY_ANALYSIS {
  return KeyWalk(trie, automaton, places, budget, mask).Run(state);
}

}  // namespace sentiric::grammar
