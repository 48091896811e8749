// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/mask_walk.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/grammar/tokens/slice_path.h"
#include "core/grammar/tokens/tail_walk.h"
#include "core/grammar/tokens/trie_descent.h"

namespace sentiric::grammar {
namespace {

// Of a node that was entered.
struct Kept {
  StateId state = kDeadState;  // after it
  bool is_exception = false;   // of the slice
  bool is_done = false;        // by tails, except for wanted nodes
  bool is_checked = false;     // it or one above is the place of a key
};

class MaskWalk {
 public:
  MaskWalk(const TokenIndex& index, TokenSizes sizes, const std::shared_ptr<Automaton>& automaton,
           StepBudget* budget, MaskCache* masks, TokenMask* mask)
      : index_(index),
        trie_(index.trie),
        sizes_(sizes),
        shared_automaton_(automaton),
        automaton_(*automaton),
        budget_(*budget),
        masks_(*masks),
        mask_(*mask) {}

  bool Run(StateId state) REQUIRES(automaton_.mutex()) {
    if (sizes_.min == 1 && !UseSlice(state)) return false;
    if (!VisitBelow(0, {state})) return false;
    SortPlaces();
    return true;
  }

 private:
  static constexpr std::uint32_t kLargeSubtree = 32;
  static constexpr std::uint32_t kCachedSubtree = 4096;
  // Bytes at the end of a node's text may turn out to be parts of one character.
  static constexpr std::uint32_t kMaxParts = 3;

  bool VisitBelow(std::uint32_t node, Kept kept) REQUIRES(automaton_.mutex()) {
    is_whole_ = node == 0;
    descent_.Enter(node, kept);
    while (const auto i = descent_.Next()) {
      if (!Visit(*i, descent_.above())) return false;
    }
    return true;
  }

  // Of tokens that begin with other than ASCII characters, the slice has decided most.
  bool IsWorthCaching(const TrieNode& node, StateId state) REQUIRES(automaton_.mutex()) {
    return node.end - node.first_child >= kCachedSubtree && node.byte < 0x80 && sizes_.min == 1 &&
           automaton_.AcceptsMany(state);
  }

  // Tokens that begin with a node, after which the state is the given one. Other states lead to it,
  // too: the end of a word is the same after many words. The analysis does not see that the other
  // walk has the same automaton.
  bool AddCached(std::uint32_t node, StateId state) NO_THREAD_SAFETY_ANALYSIS {
    const MaskPart part = {node, sizes_.max == TokenSlices::kMaxCharacters};
    auto known = masks_.Find(&automaton_, state, part);
    if (!known) {
      const auto mask = std::make_shared<TokenMask>();
      mask->words.resize(mask_.words.size());
      MaskWalk walk(index_, sizes_, shared_automaton_, &budget_, &masks_, mask.get());
      if (!walk.VisitBelow(node, {state})) return false;
      masks_.Insert(shared_automaton_, state, part, mask);
      known = mask;
    }
    mask_.Add(*known);
    mask_.key_places.insert(mask_.key_places.end(), known->key_places.begin(),
                            known->key_places.end());
    return true;
  }

  // False when the budget ran out.
  bool Visit(std::uint32_t i, Kept kept) REQUIRES(automaton_.mutex()) {
    const TrieNode& node = trie_.nodes[i];
    const bool is_first = is_whole_ && descent_.depth() == 1;
    if (is_first) {
      kept.is_done = is_done_[node.byte];
      kept.is_exception = is_exception_[node.byte];
    }
    if (kept.is_done && node.max_characters <= max_done_ && !IsWanted(i)) return true;
    if (IsOtherSize(node) || (!kept.is_exception && IsDecided(node))) return true;
    const StateId next = automaton_.Next(kept.state, node.byte, &budget_);
    if (next == kDeadState) return true;
    if (next == kOutOfBudget) return false;
    if (automaton_.key_check(next) != KeyCheck::kNone) {
      mask_.key_places.push_back({i, kept.is_checked});
      kept.is_checked = true;
    }
    const bool is_large = node.end - node.first_child >= kLargeSubtree && !kept.is_done;
    if (is_large && AllowsAllBelow(node, next)) {
      trie_.ForEachTokenFrom(i, [this](Token token) { mask_.Add(token); });
      return true;
    }
    if (!IsLarger(node, 0)) trie_.ForEachToken(node, [this](Token token) { mask_.Add(token); });
    if (is_first && !kept.is_done && !kept.is_checked && IsWorthCaching(node, next))
      return AddCached(i, next);
    kept.state = next;
    descent_.Enter(i, kept);
    return true;
  }

  // Takes what can be said of whole slices; the rest is walked. Tokens that begin with an exception
  // of the first step are walked, too. False when the budget ran out.
  bool UseSlice(StateId state) REQUIRES(automaton_.mutex()) {
    const SlicePath path = FollowGroups(index_.slices, &automaton_, state, &budget_);
    if (path.states.empty()) return true;
    const GroupSet groups = path.first.most;
    const auto size = static_cast<std::uint32_t>(path.states.size());
    max_decided_ = path.returns ? sizes_.max : size;
    const auto slice = index_.slices.Find({groups, max_decided_}, mask_.words.size());
    if (!slice) return true;
    mask_.words = slice->words;
    mask_.num_allowed = slice->num_allowed;
    decided_ = groups | path.refused;
    if (path.IsWhole()) decided_of_any_size_ = decided_;
    if (path.IsLoop() ? !UseTails(path) : path.IsLong() && !UseTailsByHead(path)) return false;
    for (std::size_t e = 0; e < path.first.num_exceptions; ++e)
      MakeException(path.first.exceptions[e]);
    return true;
  }

  // Decides all tokens that begin with one of the groups, except those of `wanted_`.
  bool UseTails(const SlicePath& path) REQUIRES(automaton_.mutex()) {
    const auto tails = index_.tails.Find(trie_, path.first.most, decided_);
    if (!tails) return true;
    const StateId state = path.states.back();
    if (!AddByTails(tails->small, state)) return false;
    if (sizes_.max > TokenSlices::kMaxCharacters && !AddByTails(tails->large, state)) return false;
    FinishTails(path.first.most, UINT8_MAX);
    return true;
  }

  // The same for small tokens.
  bool UseTailsByHead(const SlicePath& path) REQUIRES(automaton_.mutex()) {
    const auto tails = index_.tails.FindByHead(trie_, path.first.most, decided_);
    if (!tails) return true;
    for (std::size_t i = 0; i < tails->size(); ++i) {
      const bool is_behind = i >= path.states.size();
      if (is_behind && path.stops) break;
      const StateId state = is_behind ? path.states.back() : path.states[i];
      if (!AddByTails((*tails)[i], state)) return false;
    }
    FinishTails(path.first.most, TokenSlices::kMaxCharacters);
    return true;
  }

  bool AddByTails(const Trie& tails, StateId state) REQUIRES(automaton_.mutex()) {
    std::vector<Token> left;
    const bool is_within = grammar::AddByTails(tails, &automaton_, state, &budget_, &mask_, &left);
    for (const Token token : left)
      wanted_.push_back(index_.node_of_token[static_cast<std::size_t>(token)]);
    return is_within;
  }

  void FinishTails(GroupSet groups, std::uint32_t max_characters) {
    std::sort(wanted_.begin(), wanted_.end());
    max_done_ = max_characters;
    for (std::uint8_t byte = 0; byte < 0x80; ++byte)
      is_done_[byte] = (GroupSet{1} << GroupOf(byte) & groups) != 0;
  }

  // Whether the node or one below is wanted.
  bool IsWanted(std::uint32_t i) const {
    const auto at_least = [this](std::uint32_t node) {
      return std::lower_bound(wanted_.begin(), wanted_.end(), node);
    };
    const TrieNode& node = trie_.nodes[i];
    return at_least(i) != at_least(i + 1) ||
           (node.num_children > 0 && at_least(node.first_child) != at_least(node.end));
  }

  void MakeException(std::uint8_t byte) {
    is_exception_[byte] = true;
    is_done_[byte] = false;
    const TrieNode& root = trie_.nodes.front();
    for (std::uint32_t i = root.first_child; i < root.children_end(); ++i) {
      if (trie_.nodes[i].byte == byte)
        trie_.ForEachTokenFrom(i, [this](Token token) { mask_.Remove(token); });
    }
  }

  // Whether the slice says which of the tokens below are allowed.
  bool IsDecided(const TrieNode& node) const {
    return (node.groups & ~decided_of_any_size_) == 0 ||
           ((node.groups & ~decided_) == 0 && node.max_characters <= max_decided_);
  }

  bool IsOtherSize(const TrieNode& node) const {
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

  bool AllowsAllBelow(const TrieNode& node, StateId state) REQUIRES(automaton_.mutex()) {
    if (node.max_characters > sizes_.max || !automaton_.AcceptsMany(state)) return false;
    const GroupStep step = automaton_.StepByGroups(state, &budget_);
    return step.next == state && (node.groups & ~step.groups) == 0;
  }

  const TokenIndex& index_;
  const Trie& trie_;
  const TokenSizes sizes_;
  const std::shared_ptr<Automaton>& shared_automaton_;
  Automaton& automaton_;
  StepBudget& budget_;
  MaskCache& masks_;
  TokenMask& mask_;
  GroupSet decided_ = 0;  // the slice has decided the tokens of these of so many characters
  std::uint32_t max_decided_ = 0;
  GroupSet decided_of_any_size_ = 0;
  // By the first byte of a token, whether tails have decided those of so many characters.
  std::array<bool, 256> is_done_{};
  std::uint32_t max_done_ = 0;
  std::array<bool, 256> is_exception_{};  // by the first byte of a token
  std::vector<std::uint32_t> wanted_;     // nodes of tokens that tails have left
  TrieDescent<Kept> descent_{trie_};
  bool is_whole_ = true;  // not below a node
};

}  // namespace

// The analysis does not see that the automaton of a walk is the one whose mutex is held.
bool AddAllowed(const TokenIndex& index, TokenSizes sizes,
                const std::shared_ptr<Automaton>& automaton, StateId state, StepBudget* budget,
                MaskCache* masks, TokenMask* mask) NO_THREAD_SAFETY_ANALYSIS {
  return MaskWalk(index, sizes, automaton, budget, masks, mask).Run(state);
}

}  // namespace sentiric::grammar
