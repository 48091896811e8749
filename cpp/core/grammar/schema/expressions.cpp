// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/expressions.h"

#include <algorithm>

namespace sentiric::grammar {

Expressions::Expressions() {
  Intern({ExprKind::kNothing, nullptr, {}});
  Intern({ExprKind::kAnything, nullptr, {}});
}

Expr Expressions::Schema(const JsonValue* schema) {
  if (schema->Is(JsonValue::Kind::kTrue)) return kAnyValue;
  if (schema->Is(JsonValue::Kind::kFalse)) return kNoValue;
  if (schema->Is(JsonValue::Kind::kObject) && schema->members.empty()) return kAnyValue;
  return Intern({ExprKind::kSchema, schema, {}});
}

Expr Expressions::Const(const JsonValue* value) { return Intern({ExprKind::kConst, value, {}}); }

Expr Expressions::Not(Expr operand) {
  if (operand == kNoValue) return kAnyValue;
  if (operand == kAnyValue) return kNoValue;
  const ExprNode& node = nodes_[operand];
  if (node.kind == ExprKind::kNot) return node.operands[0];
  return Intern({ExprKind::kNot, nullptr, {operand}});
}

Expr Expressions::All(std::vector<Expr> operands) {
  return Join(ExprKind::kAll, kAnyValue, kNoValue, std::move(operands));
}

Expr Expressions::Any(std::vector<Expr> operands) {
  return Join(ExprKind::kAny, kNoValue, kAnyValue, std::move(operands));
}

Expr Expressions::Join(ExprKind kind, Expr neutral, Expr absorbing, std::vector<Expr> operands) {
  std::vector<Expr> flat;
  for (Expr operand : operands) {
    const ExprNode& node = nodes_[operand];
    if (operand == neutral) continue;
    if (operand == absorbing) return absorbing;
    if (node.kind == kind) {
      flat.insert(flat.end(), node.operands.begin(), node.operands.end());
    } else {
      flat.push_back(operand);
    }
  }
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  for (Expr operand : flat) {
    const ExprNode& node = nodes_[operand];
    if (node.kind == ExprKind::kNot &&
        std::binary_search(flat.begin(), flat.end(), node.operands[0]))
      return absorbing;
  }
  if (flat.empty()) return neutral;
  return flat.size() == 1 ? flat[0] : Intern({kind, nullptr, std::move(flat)});
}

Expr Expressions::Intern(ExprNode node) {
  const auto added =
      known_.emplace(Key{{node.kind, node.value}, node.operands}, static_cast<Expr>(nodes_.size()));
  if (added.second) nodes_.push_back(std::move(node));
  return added.first->second;
}

}  // namespace sentiric::grammar
