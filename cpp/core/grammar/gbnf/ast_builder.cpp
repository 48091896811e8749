// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf/ast_builder.h"

#include <string>
#include <utility>

namespace sentiric::grammar {

RuleId AstBuilder::FindRule(std::string_view name, std::size_t offset) {
  const auto added = rule_ids_.emplace(name, static_cast<RuleId>(ast_.rules.size()));
  if (added.second) {
    ast_.rules.push_back({std::string(name), static_cast<std::uint32_t>(offset), kNoNode});
  }
  return added.first->second;
}

void AstBuilder::BeginRule(RuleId rule, std::size_t offset) {
  ast_.rules[rule].offset = static_cast<std::uint32_t>(offset);
  groups_.clear();
  OpenGroup(offset);
}

void AstBuilder::EndRule(RuleId rule, std::size_t offset) {
  ast_.rules[rule].body = FinishGroup(offset);
}

void AstBuilder::NextAlternative(std::size_t offset) {
  groups_.back().alternatives.push_back(FinishSequence(offset));
}

void AstBuilder::CloseGroup(std::size_t offset) {
  const NodeId node = FinishGroup(offset);
  groups_.pop_back();
  groups_.back().items.push_back(node);
}

NodeId AstBuilder::FinishGroup(std::size_t offset) {
  NextAlternative(offset);
  const Group& group = groups_.back();
  if (group.alternatives.size() == 1) return group.alternatives.front();
  return AddParent(NodeKind::kChoice, group.offset, group.alternatives);
}

NodeId AstBuilder::FinishSequence(std::size_t offset) {
  const std::vector<NodeId> items = std::exchange(groups_.back().items, {});
  return items.size() == 1 ? items.front() : AddParent(NodeKind::kSequence, offset, items);
}

void AstBuilder::AddLiteral(std::size_t offset, std::size_t first) {
  groups_.back().items.push_back(Add(NodeKind::kLiteral, offset, static_cast<std::uint32_t>(first),
                                     ast_.bytes.size() - first));
}

void AstBuilder::AddClass(std::size_t offset, std::vector<CodeRange> ranges) {
  const auto added = class_ids_.emplace(ranges, static_cast<std::uint32_t>(ast_.classes.size()));
  if (added.second) ast_.classes.push_back(std::move(ranges));
  groups_.back().items.push_back(Add(NodeKind::kClass, offset, added.first->second));
}

void AstBuilder::AddRef(std::size_t offset, RuleId rule) {
  groups_.back().items.push_back(Add(NodeKind::kRef, offset, rule));
}

void AstBuilder::RepeatItem(std::size_t offset, std::uint32_t min, std::uint32_t max) {
  NodeId& item = groups_.back().items.back();
  item = Add(NodeKind::kRepeat, offset, item);
  ast_.nodes[item].min = min;
  ast_.nodes[item].max = max;
}

NodeId AstBuilder::Add(NodeKind kind, std::size_t offset, std::uint32_t first, std::size_t count) {
  Node node;
  node.kind = kind;
  node.offset = static_cast<std::uint32_t>(offset);
  node.first = first;
  node.count = static_cast<std::uint32_t>(count);
  ast_.nodes.push_back(node);
  return static_cast<NodeId>(ast_.nodes.size() - 1);
}

NodeId AstBuilder::AddParent(NodeKind kind, std::size_t offset,
                             const std::vector<NodeId>& children) {
  const auto first = static_cast<std::uint32_t>(ast_.children.size());
  ast_.children.insert(ast_.children.end(), children.begin(), children.end());
  return Add(kind, offset, first, children.size());
}

Ast AstBuilder::Take(RuleId root) {
  ast_.root = root;
  return std::move(ast_);
}

}  // namespace sentiric::grammar
