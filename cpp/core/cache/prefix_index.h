// SPDX-License-Identifier: AGPL-3.0-only
// Knows all token sequences that exist, and how many tokens each has in common with a prompt.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/seams/stored_state.h"
#include "sentiric/types.h"

namespace sentiric {

struct PrefixMatch {
  HolderId holder = 0;
  std::int32_t length = 0;  // tokens in common, > 0
};
inline bool operator==(const PrefixMatch& a, const PrefixMatch& b) {
  return a.holder == b.holder && a.length == b.length;
}

// A radix tree over token ids for each scope, so that nothing computed with other adapters or for
// another cache scope is found. Pure bookkeeping; one thread uses it.
class PrefixIndex {
 public:
  // Replaces the holder's earlier tokens.
  void Insert(HolderId holder, const std::string& scope, const std::vector<Token>& tokens);
  void Erase(HolderId holder);  // unknown holders are ignored

  // All holders whose first token is that of `tokens`: longest match first, then lowest id.
  std::vector<PrefixMatch> Match(const std::string& scope, const std::vector<Token>& tokens) const;

  // The tokens under which the holder was inserted; empty when it was not.
  std::vector<Token> TokensOf(HolderId holder) const;

  std::size_t num_holders() const { return place_of_.size(); }

  // Whether the tree is sound: edges spell what was inserted, nothing dangles, and no node could be
  // merged with its only child. For tests.
  bool CheckIntegrity() const;

 private:
  struct Node {
    std::vector<Token> edge;  // tokens from the parent to here; empty at a root
    Node* parent = nullptr;
    std::map<Token, std::unique_ptr<Node>> children;  // by the first token of their edge
    std::vector<HolderId> holders;                    // those whose tokens end here
  };

  Node* Reach(Node* root, const std::vector<Token>& tokens);
  static Node* SplitEdge(Node* node, std::size_t at);
  static void Tidy(Node* node);
  static void Collect(const Node& node, std::int32_t length, std::vector<PrefixMatch>* found);
  static bool IsSound(const Node& node, std::size_t* num_holders);

  struct Place {
    std::string scope;
    Node* node = nullptr;
  };

  std::map<std::string, std::unique_ptr<Node>> roots_;
  std::unordered_map<HolderId, Place> place_of_;
};

}  // namespace sentiric
