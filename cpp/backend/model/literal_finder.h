// SPDX-License-Identifier: AGPL-3.0-only
// Finds the written form of special tokens ("<|im_end|>", "<s>", ...) in a text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sentiric::backend {

// The half-open byte range of a literal in a text.
struct LiteralMatch {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int32_t id = -1;  // passed to Add()
};

// A byte trie: text without first bytes of literals costs one table look-up per byte, whatever the
// number of literals. Immutable once filled; Find may run on any thread.
class LiteralFinder {
 public:
  LiteralFinder();

  // Ignores empty literals; of two equal literals the later id wins.
  void Add(std::string_view literal, std::int32_t id);

  // The longest literal at each position, ascending; matches may overlap.
  std::vector<LiteralMatch> Find(std::string_view text) const;

  bool Contains(std::string_view text) const;
  bool empty() const { return nodes_.size() == 1; }

 private:
  using NodeIndex = std::uint32_t;
  static constexpr NodeIndex kNone = 0;  // the root is no node's child

  NodeIndex Child(NodeIndex node, unsigned char byte) const;
  // The longest match that begins at `begin`; end == begin when there is none.
  LiteralMatch MatchAt(std::string_view text, std::size_t begin) const;

  std::vector<std::int32_t> nodes_;                     // id of the literal that ends here, or -1
  std::array<NodeIndex, 256> root_{};                   // children of the root
  std::unordered_map<std::uint64_t, NodeIndex> edges_;  // node * 256 + byte -> child
};

}  // namespace sentiric::backend
