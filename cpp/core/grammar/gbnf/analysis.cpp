// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf/analysis.h"

#include "core/grammar/gbnf/gbnf_scanner.h"

namespace sentiric::grammar {
namespace {

// The nodes that depend on a node: its parent, or the references to the rule whose body it is.
struct Users {
  explicit Users(const Ast& ast)
      : parent(ast.nodes.size(), kNoNode), refs(ast.rules.size()), rule(ast.nodes.size(), kNoNode) {
    for (NodeId id = 0; id < ast.nodes.size(); ++id) {
      const Node& node = ast.nodes[id];
      if (node.kind == NodeKind::kRef) refs[node.first].push_back(id);
      if (node.kind == NodeKind::kRepeat) parent[node.first] = id;
      if (node.kind != NodeKind::kSequence && node.kind != NodeKind::kChoice) continue;
      for (std::uint32_t i = 0; i < node.count; ++i) parent[ast.children[node.first + i]] = id;
    }
    for (RuleId id = 0; id < ast.rules.size(); ++id) rule[ast.rules[id].body] = id;
  }

  std::vector<NodeId> parent;
  std::vector<std::vector<NodeId>> refs;  // by rule
  std::vector<RuleId> rule;               // by node; kNoNode = not a body
};

// The smallest set of nodes that contains the leaves which a predicate accepts, sequences with all
// children in it, choices with one child in it, and repetitions that may be left out.
class Closure {
 public:
  Closure(const Ast& ast, const Users& users)
      : ast_(ast), users_(users), value_(ast.nodes.size()), missing_(ast.nodes.size()) {}

  template <typename LeafPredicate>
  std::vector<bool> Solve(LeafPredicate leaf) {
    for (NodeId id = 0; id < ast_.nodes.size(); ++id) {
      const Node& node = ast_.nodes[id];
      missing_[id] = node.count;
      const bool is_leaf = node.kind == NodeKind::kLiteral || node.kind == NodeKind::kClass;
      if (is_leaf ? leaf(node)
                  : (node.kind == NodeKind::kSequence && node.count == 0) ||
                        (node.kind == NodeKind::kRepeat && node.min == 0)) {
        Add(id);
      }
    }
    while (!todo_.empty()) {
      const NodeId id = todo_.back();
      todo_.pop_back();
      if (users_.parent[id] != kNoNode) Tell(users_.parent[id]);
      if (users_.rule[id] == kNoNode) continue;
      for (NodeId ref : users_.refs[users_.rule[id]]) Add(ref);
    }
    return std::move(value_);
  }

 private:
  void Tell(NodeId parent) {
    if (ast_.nodes[parent].kind == NodeKind::kSequence && --missing_[parent] > 0) return;
    Add(parent);
  }
  void Add(NodeId id) {
    if (value_[id]) return;
    value_[id] = true;
    todo_.push_back(id);
  }

  const Ast& ast_;
  const Users& users_;
  std::vector<bool> value_;
  std::vector<std::uint32_t> missing_;  // children of a sequence that are not in yet
  std::vector<NodeId> todo_;
};

}  // namespace

Facts Analyse(const Ast& ast) {
  const Users users(ast);
  Facts facts;
  facts.nullable = Closure(ast, users).Solve([](const Node& leaf) {
    return leaf.kind == NodeKind::kLiteral && leaf.count == 0;
  });
  facts.productive = Closure(ast, users).Solve([](const Node&) { return true; });
  return facts;
}

Status RefuseEmptyRepetition(std::string_view text, const Ast& ast, const Facts& facts) {
  for (const Node& node : ast.nodes) {
    if (node.kind != NodeKind::kRepeat || node.max <= 1 || !facts.nullable[node.first]) continue;
    return GrammarError(
        text, node.offset,
        "the repeated item can match nothing, so repeating it has no meaning; got an item that can "
        "be empty, allowed one that takes at least one character");
  }
  return std::nullopt;
}

Status RefuseEndlessRules(std::string_view text, const Ast& ast, const Facts& facts,
                          bool root_only) {
  for (RuleId id = 0; id < ast.rules.size(); ++id) {
    const Rule& rule = ast.rules[id];
    if ((root_only && id != ast.root) || facts.productive[rule.body]) continue;
    return GrammarError(
        text, rule.offset,
        "rule can never end; got " + QuoteName(rule.name) +
            ", which refers to itself in every alternative, allowed a rule with a finite text");
  }
  return std::nullopt;
}

}  // namespace sentiric::grammar
