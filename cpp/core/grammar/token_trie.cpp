// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/token_trie.h"

#include <algorithm>

namespace sentiric::grammar {

TokenTrie::TokenTrie(const std::vector<std::string>& token_bytes, std::size_t max_mask_bytes)
    : num_tokens_(token_bytes.size()), masks_(max_mask_bytes) {
  std::vector<Token> order;
  for (std::size_t t = 0; t < token_bytes.size(); ++t) {
    const std::size_t size = token_bytes[t].size();
    if (size > 0 && size < UINT16_MAX) order.push_back(static_cast<Token>(t));
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
  for (std::uint32_t node : path) nodes_[node].skip = static_cast<std::uint32_t>(nodes_.size());
}

void TokenTrie::Insert(const std::string& bytes, std::size_t num_shared, Token token,
                       std::vector<std::uint32_t>* path) {
  if (num_shared == bytes.size()) {  // sorted, so the one before has the same bytes
    twins_.emplace_back(nodes_[path->back()].token, token);
    return;
  }
  for (; path->size() > num_shared; path->pop_back()) {
    nodes_[path->back()].skip = static_cast<std::uint32_t>(nodes_.size());
  }
  for (std::size_t i = num_shared; i < bytes.size(); ++i) {
    Node node;
    node.depth = static_cast<std::uint16_t>(i);
    node.byte = static_cast<std::uint8_t>(bytes[i]);
    path->push_back(static_cast<std::uint32_t>(nodes_.size()));
    nodes_.push_back(node);
  }
  nodes_.back().token = token;
  max_token_bytes_ = std::max(max_token_bytes_, static_cast<std::uint32_t>(bytes.size()));
}

Result<std::shared_ptr<const TokenMask>> TokenTrie::Allowed(Matcher* matcher) const {
  if (!matcher->Refresh()) return *matcher->error();
  Automaton* automaton = matcher->automaton_.get();
  const MutexLock lock(automaton->mutex());
  const StateId state = automaton->Horizon(matcher->state_, max_token_bytes_);
  if (std::shared_ptr<const TokenMask> known = masks_.Find(automaton, state)) return known;
  auto mask = std::make_shared<TokenMask>();
  mask->words.resize((num_tokens_ + 63) / 64);
  StepBudget budget{matcher->step_budget_};
  if (!Walk(automaton, state, &budget, mask.get())) {
    matcher->Checked(kOutOfBudget);
    return *matcher->error();
  }
  for (const auto& [first, twin] : twins_) {
    if (mask->Contains(first)) mask->Add(twin);
  }
  masks_.Insert(matcher->automaton_, state, mask);
  return std::shared_ptr<const TokenMask>(std::move(mask));
}

std::shared_ptr<const TokenMask> TokenTrie::Known(Matcher* matcher) const {
  if (!matcher->Refresh()) return nullptr;
  Automaton* automaton = matcher->automaton_.get();
  const MutexLock lock(automaton->mutex());
  return masks_.Find(automaton, automaton->Horizon(matcher->state_, max_token_bytes_));
}

bool TokenTrie::Walk(Automaton* automaton, StateId state, StepBudget* budget,
                     TokenMask* mask) const {
  std::vector<StateId> states(std::size_t{max_token_bytes_} + 1);  // by depth
  states[0] = state;
  for (std::size_t i = 0; i < nodes_.size();) {
    const Node& node = nodes_[i];
    const StateId next = automaton->Next(states[node.depth], node.byte, budget);
    if (next == kDeadState) {
      i = node.skip;
      continue;
    }
    if (next == kOutOfBudget) return false;
    states[std::size_t{node.depth} + 1] = next;
    if (node.token != kNoToken) mask->Add(node.token);
    ++i;
  }
  return true;
}

}  // namespace sentiric::grammar
