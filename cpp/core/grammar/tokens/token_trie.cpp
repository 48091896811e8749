// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/token_trie.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/grammar/tokens/key_walk.h"
#include "core/grammar/tokens/mask_walk.h"

namespace sentiric::grammar {
TokenTrie::TokenTrie(const std::vector<std::string>& token_bytes, std::size_t max_mask_bytes)
    : num_tokens_(token_bytes.size()), masks_(max_mask_bytes) {
  std::vector<TokenText> texts;
  for (std::size_t t = 0; t < token_bytes.size(); ++t) {
    const std::string_view text = token_bytes[t];
    if (text.empty() || text.size() >= UINT16_MAX) continue;
    const TextShape shape = ShapeOf(text);
    index_.slices.Add(static_cast<Token>(t), shape);
    index_.max_characters = std::max(index_.max_characters, shape.num_characters);
    texts.push_back({text, static_cast<Token>(t)});
  }
  index_.trie = MakeTrie(texts);
  index_.node_of_token = NodesOfTokens(index_.trie, num_tokens_);
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
  MaskPtr mask = masks_.Find(automaton, automaton->Horizon(state, index_.max_characters));
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
  const StateId horizon = automaton->Horizon(state, index_.max_characters);
  if (MaskPtr known = masks_.Find(automaton.get(), horizon)) return known;
  const StateId near = automaton->Horizon(state, std::min(kSmall, index_.max_characters));
  auto mask = std::make_shared<TokenMask>();
  TokenSizes sizes;
  if (near != horizon) {
    const MaskPtr small = FindSmall(automaton, near, budget);
    if (!small) return nullptr;
    *mask = *small;
    sizes.min = kSmall + 1;
  }
  mask->words.resize((num_tokens_ + 63) / 64);
  if (!AddAllowed(index_, sizes, automaton, horizon, budget, &masks_, mask.get())) return nullptr;
  masks_.Insert(automaton, horizon, {}, mask);
  return mask;
}

TokenTrie::MaskPtr TokenTrie::FindSmall(const std::shared_ptr<Automaton>& automaton, StateId state,
                                        StepBudget* budget) const {
  const MaskPart part = {0, true};
  if (MaskPtr known = masks_.Find(automaton.get(), state, part)) return known;
  const auto mask = std::make_shared<TokenMask>();
  mask->words.resize((num_tokens_ + 63) / 64);
  const TokenSizes sizes = {1, kSmall};
  if (!AddAllowed(index_, sizes, automaton, state, budget, &masks_, mask.get())) return nullptr;
  masks_.Insert(automaton, state, part, mask);
  return mask;
}

TokenTrie::MaskPtr TokenTrie::WithoutRepeatedKeys(const std::shared_ptr<Automaton>& automaton,
                                                  StateId state, const TokenMask& mask,
                                                  StepBudget* budget) const {
  if (MaskPtr known = masks_.Find(automaton.get(), state)) return known;
  const auto result = std::make_shared<TokenMask>(mask);
  result->key_places = {};
  if (!RemoveRepeatedKeys(index_.trie, automaton.get(), state, mask.key_places, budget,
                          result.get()))
    return nullptr;
  masks_.Insert(automaton, state, {}, result);
  return result;
}

}  // namespace sentiric::grammar
