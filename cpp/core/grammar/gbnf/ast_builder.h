// SPDX-License-Identifier: AGPL-3.0-only
// Builds an AST in the order in which the text is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/grammar/gbnf/gbnf_ast.h"

namespace sentiric::grammar {

// Offsets are into the text, which must outlive the builder. Checks nothing. One thread at a time.
class AstBuilder {
 public:
  // The rule of that name; created when it is new.
  RuleId FindRule(std::string_view name, std::size_t offset);
  bool Knows(std::string_view name) const { return rule_ids_.count(name) > 0; }
  Rule& rule(RuleId id) { return ast_.rules[id]; }

  void BeginRule(RuleId rule, std::size_t offset);
  void EndRule(RuleId rule, std::size_t offset);

  // Within a rule.
  void OpenGroup(std::size_t offset) { groups_.push_back({offset, {}, {}}); }
  void NextAlternative(std::size_t offset);
  void CloseGroup(std::size_t offset);  // a group must be open
  std::size_t num_open() const { return groups_.size() - 1; }
  std::size_t open_offset() const { return groups_.back().offset; }  // of the innermost group

  std::string& bytes() { return ast_.bytes; }
  // bytes() from `first` on become one literal.
  void AddLiteral(std::size_t offset, std::size_t first);
  void AddClass(std::size_t offset, std::vector<CodeRange> ranges);  // normalised, not empty
  void AddRef(std::size_t offset, RuleId rule);
  bool HasItem() const { return !groups_.back().items.empty(); }
  void RepeatItem(std::size_t offset, std::uint32_t min, std::uint32_t max);  // the last one

  const std::vector<Rule>& rules() const { return ast_.rules; }
  std::size_t num_elements() const { return ast_.nodes.size() + ast_.bytes.size(); }
  Ast Take(RuleId root);

 private:
  // An open group; groups_[0] is the body of the rule itself.
  struct Group {
    std::size_t offset = 0;
    std::vector<NodeId> alternatives;
    std::vector<NodeId> items;
  };

  NodeId FinishGroup(std::size_t offset);
  NodeId FinishSequence(std::size_t offset);
  NodeId Add(NodeKind kind, std::size_t offset, std::uint32_t first, std::size_t count = 0);
  NodeId AddParent(NodeKind kind, std::size_t offset, const std::vector<NodeId>& children);

  Ast ast_;
  std::vector<Group> groups_;
  std::unordered_map<std::string_view, RuleId> rule_ids_;  // views the text
  std::map<std::vector<CodeRange>, std::uint32_t> class_ids_;
};

}  // namespace sentiric::grammar
