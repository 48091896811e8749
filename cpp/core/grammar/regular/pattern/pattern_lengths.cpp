// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/pattern_lengths.h"

#include <algorithm>

namespace sentiric::grammar {
namespace {

using Kind = PatternNode::Kind;
using Length = std::optional<std::uint64_t>;

Length LengthOf(const PatternNode& node, const std::vector<Length>& lengths) {
  if (node.kind == Kind::kChars) return 1;
  if (node.kind == Kind::kLook || node.kind == Kind::kAssertion) return 0;
  Length length = node.kind == Kind::kSequence ? 0 : lengths[node.children[0]];
  for (PatternNodeId child : node.children) {
    const Length of_child = lengths[child];
    if (!of_child) return std::nullopt;
    if (node.kind == Kind::kSequence) *length += *of_child;
    if (node.kind == Kind::kChoice && of_child != length) return std::nullopt;
  }
  if (node.kind == Kind::kRepeat) {
    if (node.min != node.max && *length > 0) return std::nullopt;
    *length *= node.min;
  }
  return std::min<std::uint64_t>(*length, UINT32_MAX);
}

}  // namespace

std::vector<Length> FixedLengths(const Pattern& pattern) {
  std::vector<Length> lengths;
  for (const PatternNode& node : pattern.nodes) lengths.push_back(LengthOf(node, lengths));
  return lengths;
}

std::vector<PatternNodeId> TopSequence(const Pattern& pattern, PatternNodeId root) {
  std::vector<PatternNodeId> todo = {root}, parts;
  while (!todo.empty()) {
    const PatternNodeId id = todo.back();
    todo.pop_back();
    const PatternNode& node = pattern.nodes[id];
    if (node.kind == Kind::kSequence) {
      todo.insert(todo.end(), node.children.rbegin(), node.children.rend());
    } else {
      parts.push_back(id);
    }
  }
  return parts;
}

}  // namespace sentiric::grammar
