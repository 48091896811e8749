// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/token_trie.h"

#include <algorithm>
#include <string_view>

namespace sentiric::grammar {
namespace {

std::uint8_t Saturated(std::uint32_t n) {
  return static_cast<std::uint8_t>(std::min<std::uint32_t>(n, UINT8_MAX));
}

}  // namespace

TokenTrie::TokenTrie(const std::vector<std::string>& token_bytes, std::size_t max_mask_bytes)
    : num_tokens_(token_bytes.size()), masks_(max_mask_bytes) {
  std::vector<Token> order;
  for (std::size_t t = 0; t < token_bytes.size(); ++t) {
    const std::size_t size = token_bytes[t].size();
    if (size == 0 || size >= UINT16_MAX) continue;
    order.push_back(static_cast<Token>(t));
    trie_.slices.Add(static_cast<Token>(t), ShapeOf(token_bytes[t]));
  }
  const auto bytes = [&token_bytes](Token t) -> const std::string& {
    return token_bytes[static_cast<std::size_t>(t)];
  };
  std::sort(order.begin(), order.end(), [&bytes](Token x, Token y) {
    const int c = bytes(x).compare(bytes(y));
    return c != 0 ? c < 0 : x < y;
  });

  std::vector<std::uint32_t> path;  // nodes of the token before
  const std::string* before = nullptr;
  for (Token t : order) {
    std::size_t num_shared = 0;
    if (before != nullptr) {
      const std::size_t limit = std::min(before->size(), bytes(t).size());
      while (num_shared < limit && (*before)[num_shared] == bytes(t)[num_shared]) ++num_shared;
    }
    Insert(bytes(t), num_shared, t, &path);
    before = &bytes(t);
  }
  const auto num_nodes = static_cast<std::uint32_t>(trie_.nodes.size());
  for (std::uint32_t node : path) trie_.nodes[node].skip = num_nodes;
  trie_.first.fill(num_nodes);
  for (std::uint32_t i = 0; i < num_nodes; i = trie_.nodes[i].skip)
    trie_.first[trie_.nodes[i].byte] = i;
}

void TokenTrie::Insert(const std::string& bytes, std::size_t num_shared, Token token,
                       std::vector<std::uint32_t>* path) {
  if (num_shared == bytes.size()) {  // sorted, so the one before has the same bytes
    twins_.emplace_back(trie_.nodes[path->back()].token, token);
    return;
  }
  for (; path->size() > num_shared; path->pop_back()) {
    trie_.nodes[path->back()].skip = static_cast<std::uint32_t>(trie_.nodes.size());
  }
  for (std::size_t i = num_shared; i < bytes.size(); ++i) {
    TrieNode node;
    node.depth = static_cast<std::uint16_t>(i);
    node.byte = static_cast<std::uint8_t>(bytes[i]);
    node.num_characters =
        Saturated(ShapeOf(std::string_view(bytes).substr(0, i + 1)).num_characters);
    path->push_back(static_cast<std::uint32_t>(trie_.nodes.size()));
    trie_.nodes.push_back(node);
  }
  trie_.nodes.back().token = token;
  const TextShape shape = ShapeOf(bytes);
  for (std::uint32_t node : *path) {
    trie_.nodes[node].groups |= shape.groups;
    trie_.nodes[node].max_characters =
        std::max(trie_.nodes[node].max_characters, Saturated(shape.num_characters));
  }
  trie_.max_characters = std::max(trie_.max_characters, shape.num_characters);
  trie_.max_depth = std::max(trie_.max_depth, static_cast<std::uint32_t>(bytes.size()));
}

Result<std::shared_ptr<const TokenMask>> TokenTrie::Allowed(Matcher* matcher) const {
  if (!matcher->Refresh()) return *matcher->error();
  const std::shared_ptr<Automaton>& automaton = matcher->automaton_;
  const MutexLock lock(automaton->mutex());
  StepBudget budget{matcher->step_budget_};
  const StateId state = matcher->state_;
  MaskPtr mask = FindMask(automaton, state, &budget);
  if (mask && NeedsKeys(automaton.get(), state, *mask))
    mask = WithoutRepeatedKeys(automaton, state, *mask, &budget);
  if (mask) return mask;
  matcher->Checked(kOutOfBudget);
  return *matcher->error();
}

std::shared_ptr<const TokenMask> TokenTrie::Known(Matcher* matcher) const {
  if (!matcher->Refresh()) return nullptr;
  Automaton* automaton = matcher->automaton_.get();
  const MutexLock lock(automaton->mutex());
  const StateId state = matcher->state_;
  MaskPtr mask = masks_.Find(automaton, automaton->Horizon(state, trie_.max_characters));
  if (mask && NeedsKeys(automaton, state, *mask)) mask = masks_.Find(automaton, state);
  return mask;
}

// A token may also repeat a key of its own.
bool TokenTrie::NeedsKeys(Automaton* automaton, StateId state, const TokenMask& mask) {
  if (mask.key_places.empty()) return false;
  if (automaton->HasKeys(state)) return true;
  return std::any_of(mask.key_places.begin(), mask.key_places.end(),
                     [](const KeyPlace& place) { return place.is_repeated; });
}

TokenTrie::MaskPtr TokenTrie::FindMask(const std::shared_ptr<Automaton>& automaton, StateId state,
                                       StepBudget* budget) const {
  const StateId horizon = automaton->Horizon(state, trie_.max_characters);
  if (MaskPtr known = masks_.Find(automaton.get(), horizon)) return known;
  const StateId near = automaton->Horizon(state, std::min(kSmall, trie_.max_characters));
  auto mask = std::make_shared<TokenMask>();
  TokenSizes sizes;
  if (near != horizon) {
    const MaskPtr small = FindSmall(automaton, near, budget);
    if (!small) return nullptr;
    *mask = *small;
    sizes.min = kSmall + 1;
  }
  mask->words.resize((num_tokens_ + 63) / 64);
  if (!AddAllowed(trie_, sizes, automaton.get(), horizon, budget, mask.get())) return nullptr;
  Finish(mask.get());
  masks_.Insert(automaton, horizon, mask);
  return mask;
}

void TokenTrie::Finish(TokenMask* mask) const {
  for (const auto& [first, twin] : twins_)
    mask->Contains(first) ? mask->Add(twin) : mask->Remove(twin);
  mask->Count();
}

TokenTrie::MaskPtr TokenTrie::FindSmall(const std::shared_ptr<Automaton>& automaton, StateId state,
                                        StepBudget* budget) const {
  // Cached as a state that does not exist.
  const StateId key = state | StateId{1} << 31;
  if (MaskPtr known = masks_.Find(automaton.get(), key)) return known;
  const auto mask = std::make_shared<TokenMask>();
  mask->words.resize((num_tokens_ + 63) / 64);
  const TokenSizes sizes = {1, kSmall};
  if (!AddAllowed(trie_, sizes, automaton.get(), state, budget, mask.get())) return nullptr;
  masks_.Insert(automaton, key, mask);
  return mask;
}

TokenTrie::MaskPtr TokenTrie::WithoutRepeatedKeys(const std::shared_ptr<Automaton>& automaton,
                                                  StateId state, const TokenMask& mask,
                                                  StepBudget* budget) const {
  if (MaskPtr known = masks_.Find(automaton.get(), state)) return known;
  const auto result = std::make_shared<TokenMask>(mask);
  result->key_places = {};
  if (!RemoveRepeatedKeys(trie_, automaton.get(), state, mask.key_places, budget, result.get()))
    return nullptr;
  Finish(result.get());
  masks_.Insert(automaton, state, result);
  return result;
}

}  // namespace sentiric::grammar
