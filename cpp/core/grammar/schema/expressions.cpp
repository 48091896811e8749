// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/expressions.h"

#include <algorithm>
#include <utility>

#include "core/grammar/number/decimal.h"
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

// The value of a schema that says nothing but that there is only one; null if it does not.
const JsonValue* OnlyValue(const JsonValue& schema) {
  const JsonValue* only = nullptr;
  for (const JsonValue::Member& member : schema.members) {
    const Keyword* keyword = FindKeyword(member.first);
    if (keyword == nullptr || keyword->role == KeywordRole::kAnnotation) continue;
    const bool is_list = member.first == "enum" && member.second.items.size() == 1;
    if (only != nullptr || (member.first != "const" && !is_list)) return nullptr;
    only = is_list ? &member.second.items[0] : &member.second;
  }
  return only;
}

// Whether no value is equal to both. False for what is not seen at once.
bool AreDifferent(const JsonValue& x, const JsonValue& y) {
  if (x.kind != y.kind) return true;
  if (x.Is(JsonValue::Kind::kString)) return x.text != y.text;
  if (!x.Is(JsonValue::Kind::kNumber)) return false;
  const Result<Decimal> a = Decimal::Parse(x.text), b = Decimal::Parse(y.text);
  return a.ok() && b.ok() && *a != *b;
}

}  // namespace

Expressions::Expressions(std::shared_ptr<WorkBudget> work) : work_(std::move(work)) {
  Intern({ExprKind::kNothing, nullptr, {}});
  Intern({ExprKind::kAnything, nullptr, {}});
}

Expr Expressions::Schema(const JsonValue* schema) {
  if (schema->Is(JsonValue::Kind::kTrue)) return kAnyValue;
  if (schema->Is(JsonValue::Kind::kFalse)) return kNoValue;
  if (schema->Is(JsonValue::Kind::kObject) && schema->members.empty()) return kAnyValue;
  if (const JsonValue* only = OnlyValue(*schema)) return Const(only);
  const std::string key = LeafKey(*schema);
  if (!key.empty()) schema = leaves_.emplace(key, schema).first->second;
  return Intern({ExprKind::kSchema, schema, {}});
}

Expr Expressions::Const(const JsonValue* value) {
  std::string key = "=";
  if (AppendLeaf(*value, &key)) value = leaves_.emplace(key, value).first->second;
  return Intern({ExprKind::kConst, value, {}});
}

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
  if (kind == ExprKind::kAll && !DropOtherConsts(&flat)) return kNoValue;
  if (flat.empty()) return neutral;
  return flat.size() == 1 ? flat[0] : Intern({kind, nullptr, std::move(flat)});
}

// Beside a value, nothing has to be said about others. Chains of `if` on one member would have all
// combinations of its values otherwise. False if two values are demanded.
bool Expressions::DropOtherConsts(std::vector<Expr>* operands) const {
  const auto is_const = [this](Expr expr) { return nodes_[expr].kind == ExprKind::kConst; };
  const auto first = std::find_if(operands->begin(), operands->end(), is_const);
  if (first == operands->end()) return true;
  const JsonValue& value = *nodes_[*first].value;
  for (const Expr other : *operands) {
    if (is_const(other) && AreDifferent(value, *nodes_[other].value)) return false;
  }
  const auto is_needless = [&](Expr expr) {
    const ExprNode& node = nodes_[expr];
    return node.kind == ExprKind::kNot && is_const(node.operands[0]) &&
           AreDifferent(value, *nodes_[node.operands[0]].value);
  };
  operands->erase(std::remove_if(operands->begin(), operands->end(), is_needless), operands->end());
  return true;
}

Expr Expressions::Intern(ExprNode node) {
  const auto added =
      known_.emplace(Key{{node.kind, node.value}, node.operands}, static_cast<Expr>(nodes_.size()));
  if (added.second) nodes_.push_back(std::move(node));
  return added.first->second;
}

}  // namespace sentiric::grammar
