// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/literal_finder.h"

namespace sentiric::backend {
namespace {

std::uint64_t EdgeKey(std::uint32_t node, unsigned char byte) {
  return (static_cast<std::uint64_t>(node) << 8) | byte;
}

unsigned char ByteAt(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

}  // namespace

LiteralFinder::LiteralFinder() : nodes_(1, -1) {}

void LiteralFinder::Add(std::string_view literal, std::int32_t id) {
  if (literal.empty()) return;
  NodeIndex node = 0;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const unsigned char byte = ByteAt(literal, i);
    NodeIndex& child = node == 0 ? root_[byte] : edges_[EdgeKey(node, byte)];
    if (child == kNone) {
      child = static_cast<NodeIndex>(nodes_.size());
      nodes_.push_back(-1);
    }
    node = child;
  }
  nodes_[node] = id;
}

LiteralFinder::NodeIndex LiteralFinder::Child(NodeIndex node, unsigned char byte) const {
  const auto found = edges_.find(EdgeKey(node, byte));
  return found == edges_.end() ? kNone : found->second;
}

LiteralMatch LiteralFinder::MatchAt(std::string_view text, std::size_t begin) const {
  LiteralMatch match{begin, begin, -1};
  NodeIndex node = root_[ByteAt(text, begin)];
  for (std::size_t i = begin + 1; node != kNone; ++i) {
    if (nodes_[node] >= 0) match = {begin, i, nodes_[node]};
    if (i == text.size()) break;
    node = Child(node, ByteAt(text, i));
  }
  return match;
}

std::vector<LiteralMatch> LiteralFinder::Find(std::string_view text) const {
  std::vector<LiteralMatch> matches;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const LiteralMatch match = MatchAt(text, i);
    if (match.end > match.begin) matches.push_back(match);
  }
  return matches;
}

bool LiteralFinder::Contains(std::string_view text) const {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (MatchAt(text, i).end > i) return true;
  }
  return false;
}

}  // namespace sentiric::backend
