// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/expressions.h"

#include <algorithm>

#include "core/grammar/schema/keywords.h"

namespace sentiric::grammar {
namespace {

// False for what holds an object.
bool AppendLeaf(const JsonValue& value, std::string* key) {
  if (value.Is(JsonValue::Kind::kObject)) return false;
  key->push_back(static_cast<char>('0' + static_cast<int>(value.kind)));
  *key += std::to_string(value.text.size() + value.items.size()) + ":" + value.text;
  return std::all_of(value.items.begin(), value.items.end(),
                     [key](const JsonValue& item) { return AppendLeaf(item, key); });
}

// What a schema says that holds and refers to no other; empty if it does.
std::string LeafKey(const JsonValue& schema) {
  std::string key = "{";
  for (const JsonValue::Member& member : schema.members) {
    const Keyword* keyword = FindKeyword(member.first);
    if (keyword == nullptr || keyword->role == KeywordRole::kAnnotation) continue;
    if (keyword->role != KeywordRole::kEnforced) return "";
    key += member.first + "=";
    if (!AppendLeaf(member.second, &key)) return "";
  }
  return key;
}

}  // namespace

Expressions::Expressions() {
  Intern({ExprKind::kNothing, nullptr, {}});
  Intern({ExprKind::kAnything, nullptr, {}});
}

Expr Expressions::Schema(const JsonValue* schema) {
  if (schema->Is(JsonValue::Kind::kTrue)) return kAnyValue;
  if (schema->Is(JsonValue::Kind::kFalse)) return kNoValue;
  if (schema->Is(JsonValue::Kind::kObject) && schema->members.empty()) return kAnyValue;
  const std::string key = LeafKey(*schema);
  if (!key.empty()) schema = leaves_.emplace(key, schema).first->second;
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
