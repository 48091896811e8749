// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/trie_walk.h"

#include <algorithm>
#include <array>

namespace sentiric::grammar {
namespace {

class MaskWalk {
 public:
  MaskWalk(const Trie& trie, TokenSizes sizes, Automaton* automaton, StepBudget* budget,
           TokenMask* mask)
      : trie_(trie),
        sizes_(sizes),
        automaton_(*automaton),
        budget_(*budget),
        mask_(*mask),
        states_(std::size_t{trie.max_depth} + 1) {}

  bool Run(StateId state) REQUIRES(automaton_.mutex()) {
    if (sizes_.min == 1) UseSlice(state);
    states_[0] = state;
    for (std::uint32_t i = 0; i < trie_.nodes.size();) {
      const TrieNode& node = trie_.nodes[i];
      if (node.depth == 0 && is_exception_[node.byte]) end_of_exception_ = node.skip;
      if (IsUnwanted(node) || (i >= end_of_exception_ && IsDecided(node))) {
        i = node.skip;
        continue;
      }
      const StateId next = automaton_.Next(states_[node.depth], node.byte, &budget_);
      if (next == kDeadState) {
        i = node.skip;
        continue;
      }
      if (next == kOutOfBudget) return false;
      if (node.skip - i >= kLargeSubtree && AllowsAllOf(node, next)) {
        for (; i < node.skip; ++i) Add(trie_.nodes[i]);
        continue;
      }
      if (automaton_.key_check(next) != KeyCheck::kNone) {
        mask_.key_places.push_back({i, i < end_of_checked_});
        end_of_checked_ = std::max(end_of_checked_, node.skip);
      }
      states_[std::size_t{node.depth} + 1] = next;
      Add(node);
      ++i;
    }
    if (sizes_.min > 1) SortPlaces();
    return true;
  }

 private:
  static constexpr std::uint32_t kLargeSubtree = 32;
  // Bytes at the end of a node's text may turn out to be parts of one character.
  static constexpr std::uint32_t kMaxParts = 3;

  // Follows the step by groups from state to state, until it comes back to one or leaves some of
  // the groups. Tokens that begin with an exception of the first step are walked instead.
  void UseSlice(StateId state) REQUIRES(automaton_.mutex()) {
    GroupStep step = automaton_.StepByGroups(state, &budget_);
    const GroupStep first = step;
    Slice slice = {step.most, 0};
    GroupSet groups = step.most;      // of the step
    GroupSet refused = step.refused;  // by all states on the way
    bool returns = false, stops = false;
    while (slice.max_characters < TokenSlices::kMaxCharacters && !returns && !stops &&
           (slice.groups & ~groups) == 0) {
      returns = step.next == state && step.num_exceptions == 0;
      ++slice.max_characters;
      state = step.next;
      step = automaton_.StepByGroups(state, &budget_);
      groups = step.groups;
      refused &= step.refused | slice.groups;
      stops = (slice.groups & ~step.refused) == 0;
    }
    if (returns) slice.max_characters = sizes_.max;
    if (slice.groups == 0 || slice.max_characters == 0) return;
    const auto words = trie_.slices.Find(slice, mask_.words.size());
    if (!words) return;
    mask_.words = *words;
    max_decided_ = slice.max_characters;
    decided_ = slice.groups | refused;
    if (returns || stops) decided_of_any_size_ = decided_;
    for (std::size_t e = 0; e < first.num_exceptions; ++e) MakeException(first.exceptions[e]);
  }

  void MakeException(std::uint8_t byte) {
    is_exception_[byte] = true;
    const std::uint32_t top = trie_.first[byte];
    if (top == trie_.nodes.size()) return;
    for (std::uint32_t i = top; i < trie_.nodes[top].skip; ++i) {
      if (trie_.nodes[i].token != kNoToken) mask_.Remove(trie_.nodes[i].token);
    }
  }

  // Whether the slice says which of the tokens below are allowed.
  bool IsDecided(const TrieNode& node) const {
    return (node.groups & ~decided_of_any_size_) == 0 ||
           ((node.groups & ~decided_) == 0 && node.max_characters <= max_decided_);
  }

  bool IsUnwanted(const TrieNode& node) const {
    return node.max_characters < sizes_.min || IsLarger(node, kMaxParts);
  }

  // Small tokens have left places of their own, some of them the same.
  void SortPlaces() {
    std::vector<KeyPlace>& places = mask_.key_places;
    std::sort(places.begin(), places.end(),
              [](const KeyPlace& x, const KeyPlace& y) { return x.node < y.node; });
    places.erase(std::unique(places.begin(), places.end(),
                             [](const KeyPlace& x, const KeyPlace& y) { return x.node == y.node; }),
                 places.end());
  }

  bool IsLarger(const TrieNode& node, std::uint32_t by) const {
    return sizes_.max < UINT8_MAX && node.num_characters > sizes_.max + by;
  }

  bool AllowsAllOf(const TrieNode& node, StateId state) REQUIRES(automaton_.mutex()) {
    const GroupStep step = automaton_.StepByGroups(state, &budget_);
    return step.next == state && (node.groups & ~step.groups) == 0;
  }

  void Add(const TrieNode& node) {
    if (node.token != kNoToken && !IsLarger(node, 0)) mask_.Add(node.token);
  }

  const Trie& trie_;
  const TokenSizes sizes_;
  Automaton& automaton_;
  StepBudget& budget_;
  TokenMask& mask_;
  GroupSet decided_ = 0;  // the slice has decided the tokens of these of so many bytes
  std::uint32_t max_decided_ = 0;
  GroupSet decided_of_any_size_ = 0;
  std::array<bool, 256> is_exception_{};  // by the first byte of a token
  std::uint32_t end_of_exception_ = 0;    // nodes before it are below one of these bytes
  std::vector<StateId> states_;           // by depth
  std::uint32_t end_of_checked_ = 0;      // nodes before it are behind the first place of a token
};

class KeyWalk {
 public:
  KeyWalk(const Trie& trie, Automaton* automaton, const std::vector<KeyPlace>& places,
          StepBudget* budget, TokenMask* mask)
      : nodes_(trie.nodes),
        automaton_(*automaton),
        places_(places),
        budget_(*budget),
        mask_(*mask),
        states_(std::size_t{trie.max_depth} + 1) {}

  bool Run(StateId state) REQUIRES(automaton_.mutex()) {
    states_[0] = state;
    for (std::uint32_t i = 0; at_ < places_.size();) {
      const TrieNode& node = nodes_[i];
      if (places_[at_].node >= node.skip || CannotRefuse(i)) {
        i = node.skip;
        continue;
      }
      const StateId next = automaton_.Next(states_[node.depth], node.byte, &budget_);
      if (next == kOutOfBudget) return false;
      states_[std::size_t{node.depth} + 1] = next;
      if (next == kDeadState || automaton_.key_check(next) == KeyCheck::kRefused) {
        // From here on, the state is another one than without keys.
        if (!RemoveBelow(i)) return false;
        i = node.skip;
        PassPlaces(i);
        continue;
      }
      if (places_[at_].node == i) {
        ++at_;
        end_of_checked_ = std::max(end_of_checked_, node.skip);
      }
      ++i;
    }
    return true;
  }

 private:
  // Whether nothing below the node can repeat a key; then passes its places.
  bool CannotRefuse(std::uint32_t i) REQUIRES(automaton_.mutex()) {
    const TrieNode& node = nodes_[i];
    if (i < end_of_checked_ || automaton_.MayRefuse(states_[node.depth], node.byte)) return false;
    for (std::size_t p = at_; p < places_.size() && places_[p].node < node.skip; ++p) {
      if (places_[p].is_repeated) return false;
    }
    PassPlaces(node.skip);
    return true;
  }

  void PassPlaces(std::uint32_t end) {
    while (at_ < places_.size() && places_[at_].node < end) ++at_;
  }

  bool RemoveBelow(std::uint32_t top) REQUIRES(automaton_.mutex()) {
    for (std::uint32_t i = top; i < nodes_[top].skip;) {
      const TrieNode& node = nodes_[i];
      const StateId next = automaton_.Next(states_[node.depth], node.byte, &budget_);
      if (next == kOutOfBudget) return false;
      states_[std::size_t{node.depth} + 1] = next;
      if (next != kDeadState) {
        ++i;
        continue;
      }
      for (; i < node.skip; ++i) {
        if (nodes_[i].token != kNoToken) mask_.Remove(nodes_[i].token);
      }
    }
    return true;
  }

  const std::vector<TrieNode>& nodes_;
  Automaton& automaton_;
  const std::vector<KeyPlace>& places_;
  StepBudget& budget_;
  TokenMask& mask_;
  std::vector<StateId> states_;       // by depth
  std::size_t at_ = 0;                // the next place
  std::uint32_t end_of_checked_ = 0;  // nodes before it are behind the first place of a token
};

}  // namespace

// The analysis does not see that the automaton of a walk is the one whose mutex is held.
bool AddAllowed(const Trie& trie, TokenSizes sizes, Automaton* automaton, StateId state,
                StepBudget* budget, TokenMask* mask) NO_THREAD_SAFETY_ANALYSIS {
  return MaskWalk(trie, sizes, automaton, budget, mask).Run(state);
}

bool RemoveRepeatedKeys(const Trie& trie, Automaton* automaton, StateId state,
                        const std::vector<KeyPlace>& places, StepBudget* budget,
                        TokenMask* mask) NO_THREAD_SAFETY_ANALYSIS {
  return KeyWalk(trie, automaton, places, budget, mask).Run(state);
}

}  // namespace sentiric::grammar
