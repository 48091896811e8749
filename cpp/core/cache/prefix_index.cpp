// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/prefix_index.h"

#include <algorithm>
#include <utility>

namespace sentiric {
namespace {

// The number of leading tokens of `edge` that equal those of `tokens` from `from` on.
std::size_t CommonLength(const std::vector<Token>& edge, const std::vector<Token>& tokens,
                         std::size_t from) {
  const std::size_t limit = std::min(edge.size(), tokens.size() - from);
  const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(from);
  const auto end = edge.begin() + static_cast<std::ptrdiff_t>(limit);
  return static_cast<std::size_t>(std::mismatch(edge.begin(), end, begin).first - edge.begin());
}

}  // namespace

void PrefixIndex::Insert(HolderId holder, const std::string& scope,
                         const std::vector<Token>& tokens) {
  Erase(holder);
  std::unique_ptr<Node>& root = roots_[scope];
  if (!root) root = std::make_unique<Node>();
  Node* node = Reach(root.get(), tokens);
  node->holders.push_back(holder);
  place_of_[holder] = {scope, node};
}

// The node at the end of `tokens`; created if missing.
PrefixIndex::Node* PrefixIndex::Reach(Node* root, const std::vector<Token>& tokens) {
  Node* node = root;
  std::size_t at = 0;
  while (at < tokens.size()) {
    std::unique_ptr<Node>& child = node->children[tokens[at]];
    if (!child) {
      child = std::make_unique<Node>();
      child->edge.assign(tokens.begin() + static_cast<std::ptrdiff_t>(at), tokens.end());
      child->parent = node;
      return child.get();
    }
    const std::size_t common = CommonLength(child->edge, tokens, at);
    at += common;
    node = common < child->edge.size() ? SplitEdge(child.get(), common) : child.get();
  }
  return node;
}

// Inserts a node after `at` tokens of the edge of `node` and returns it.
PrefixIndex::Node* PrefixIndex::SplitEdge(Node* node, std::size_t at) {
  std::unique_ptr<Node>& place = node->parent->children[node->edge.front()];
  auto upper = std::make_unique<Node>();
  const auto middle = node->edge.begin() + static_cast<std::ptrdiff_t>(at);
  upper->edge.assign(node->edge.begin(), middle);
  upper->parent = node->parent;
  node->edge.erase(node->edge.begin(), middle);
  node->parent = upper.get();
  upper->children[node->edge.front()] = std::move(place);
  place = std::move(upper);
  return place.get();
}

void PrefixIndex::Erase(HolderId holder) {
  const auto found = place_of_.find(holder);
  if (found == place_of_.end()) return;
  const Place place = std::move(found->second);
  place_of_.erase(found);
  auto& holders = place.node->holders;
  holders.erase(std::find(holders.begin(), holders.end(), holder));
  Tidy(place.node);
  const auto root = roots_.find(place.scope);
  if (root->second->holders.empty() && root->second->children.empty()) roots_.erase(root);
}

// Removes nodes that no holder needs, from `node` upwards.
void PrefixIndex::Tidy(Node* node) {
  while (node->parent != nullptr && node->holders.empty() && node->children.empty()) {
    Node* parent = node->parent;
    parent->children.erase(node->edge.front());
    node = parent;
  }
  if (node->parent == nullptr || !node->holders.empty() || node->children.size() != 1) return;
  // A node without holders and with a single child is merged with it.
  std::unique_ptr<Node> child = std::move(node->children.begin()->second);
  child->edge.insert(child->edge.begin(), node->edge.begin(), node->edge.end());
  child->parent = node->parent;
  std::unique_ptr<Node>& place = node->parent->children[child->edge.front()];
  place = std::move(child);
}

std::vector<PrefixMatch> PrefixIndex::Match(const std::string& scope,
                                            const std::vector<Token>& tokens) const {
  std::vector<PrefixMatch> found;
  const auto root = roots_.find(scope);
  if (root == roots_.end()) return found;
  const Node* node = root->second.get();
  std::size_t at = 0;
  while (node != nullptr) {
    const auto next = at < tokens.size() ? node->children.find(tokens[at]) : node->children.end();
    const auto length = static_cast<std::int32_t>(at);
    for (const HolderId holder : node->holders) found.push_back({holder, length});
    for (auto child = node->children.begin(); child != node->children.end(); ++child) {
      if (child != next && at > 0) Collect(*child->second, length, &found);
    }
    if (next == node->children.end()) break;
    const Node* child = next->second.get();
    const std::size_t common = CommonLength(child->edge, tokens, at);
    at += common;
    node = common == child->edge.size() ? child : nullptr;
    if (node == nullptr) Collect(*child, static_cast<std::int32_t>(at), &found);
  }
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const PrefixMatch& match) { return match.length == 0; }),
              found.end());
  std::sort(found.begin(), found.end(), [](const PrefixMatch& a, const PrefixMatch& b) {
    return a.length != b.length ? a.length > b.length : a.holder < b.holder;
  });
  return found;
}

void PrefixIndex::Collect(const Node& node, std::int32_t length, std::vector<PrefixMatch>* found) {
  std::vector<const Node*> open = {&node};
  while (!open.empty()) {
    const Node* next = open.back();
    open.pop_back();
    for (const HolderId holder : next->holders) found->push_back({holder, length});
    for (const auto& [token, child] : next->children) open.push_back(child.get());
  }
}

std::vector<Token> PrefixIndex::TokensOf(HolderId holder) const {
  const auto found = place_of_.find(holder);
  std::vector<Token> reversed;
  const Node* node = found == place_of_.end() ? nullptr : found->second.node;
  for (; node != nullptr; node = node->parent) {
    reversed.insert(reversed.end(), node->edge.rbegin(), node->edge.rend());
  }
  return {reversed.rbegin(), reversed.rend()};
}

bool PrefixIndex::IsSound(const Node& node, std::size_t* num_holders) {
  *num_holders += node.holders.size();
  const bool is_root = node.parent == nullptr;
  if (is_root != node.edge.empty()) return false;
  if (!is_root && node.holders.empty() && node.children.size() < 2) return false;
  for (const auto& [token, child] : node.children) {
    if (child->parent != &node || child->edge.empty() || child->edge.front() != token) return false;
    if (!IsSound(*child, num_holders)) return false;
  }
  return true;
}

bool PrefixIndex::CheckIntegrity() const {
  std::size_t num_holders = 0;
  for (const auto& [scope, root] : roots_) {
    if (!IsSound(*root, &num_holders)) return false;
  }
  if (num_holders != place_of_.size()) return false;
  return std::all_of(place_of_.begin(), place_of_.end(), [](const auto& entry) {
    const auto& holders = entry.second.node->holders;
    return std::count(holders.begin(), holders.end(), entry.first) == 1;
  });
}

}  // namespace sentiric
