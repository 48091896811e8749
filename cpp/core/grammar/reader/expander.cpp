// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/expander.h"

#include <string>
#include <utility>
#include <vector>

#include "core/grammar/reader/combination.h"
#include "core/grammar/reader/const_shape.h"
#include "core/grammar/reader/list_keywords.h"
#include "core/grammar/reader/opposites.h"
#include "core/grammar/reader/scalar_keywords.h"
#include "core/grammar/reader/unevaluated.h"
#include "core/grammar/schema/keywords.h"
#include "core/grammar/schema/shape_algebra.h"

namespace sentiric::grammar {
namespace {

using Kind = JsonValue::Kind;

// Schemas that refer to each other without an array or object between them.
constexpr std::size_t kMaxOpen = 200;

bool Names(const JsonValue& type, std::string_view name) {
  if (type.Is(Kind::kString)) return type.text == name;
  for (const JsonValue& item : type.items) {
    if (item.text == name) return true;
  }
  return false;
}

// A value in a message.
std::string Shown(const JsonValue& value) {
  constexpr std::size_t kMost = 40;
  const bool is_short = value.text.size() <= kMost;
  if (value.Is(Kind::kNumber) && is_short) return value.text;
  if (value.Is(Kind::kString) && is_short) return Quoted(value.text);
  return std::string(KindName(value.kind));
}

}  // namespace

Expander::Expander(Document* document)
    : expressions_(document->work()), context_{document, &expressions_, this} {}

Result<const Shape*> Expander::Expand(Expr expr) {
  const auto known = shapes_.find(expr);
  if (known != shapes_.end()) return known->second.get();
  if (shapes_.size() + open_.size() >= kMaxExpressions) {
    return Error{ErrorCode::kInvalidGrammar, "json_schema",
                 "too large; got more than " + std::to_string(kMaxExpressions) +
                     " different places for a value, allowed " + std::to_string(kMaxExpressions)};
  }
  if (open_.count(expr) > 0 || open_.size() >= kMaxOpen) {
    return Error{ErrorCode::kInvalidGrammar, "",
                 "refers to itself without an array or object between"};
  }
  open_.insert(expr);
  Result<Shape> shape = Compute(expr);
  open_.erase(expr);
  if (!shape) {
    const JsonValue* schema = expressions_.at(expr).value;
    return schema == nullptr ? shape.error()
                             : Placed(shape.error(), *context_.document, schema, "");
  }
  auto owned = std::make_unique<const Shape>(*std::move(shape));
  return shapes_.emplace(expr, std::move(owned)).first->second.get();
}

Result<Shape> Expander::Compute(Expr expr) {
  const ExprNode node = expressions_.at(expr);  // a copy: expressions are made meanwhile
  switch (node.kind) {
    case ExprKind::kNothing: return Shape{};
    case ExprKind::kAnything: return Shape::All();
    case ExprKind::kSchema: return SchemaShape(*node.value);
    case ExprKind::kConst: return ConstShape({node.value}, &expressions_);
    case ExprKind::kAll: return All(node.operands);
    case ExprKind::kAny: return Any(node.operands);
    case ExprKind::kNot: break;
  }
  Result<const Shape*> operand = Expand(node.operands[0]);
  if (!operand) return operand.error();
  const NoOpposite found = WhatHasNoOpposite(**operand);
  if (found.schema == nullptr) return Complement(**operand, &expressions_);
  no_opposite_ = found;
  return NoOppositeError(found, nullptr, *context_.document);
}

Result<Shape> Expander::All(const std::vector<Expr>& operands) {
  Shape all = Shape::All();
  for (Expr operand : operands) {
    Result<const Shape*> shape = Expand(operand);
    if (!shape) return shape.error();
    Result<Shape> both = Intersection(all, **shape, &expressions_);
    if (!both) return both;
    all = *std::move(both);
  }
  return all;
}

Result<Shape> Expander::Any(const std::vector<Expr>& operands) {
  Shape any;
  for (Expr operand : operands) {
    Result<const Shape*> shape = Expand(operand);
    if (!shape) return shape.error();
    Result<Shape> either = Union(std::move(any), **shape, &expressions_);
    if (!either) return either;
    any = *std::move(either);
  }
  return any;
}

Result<Shape> Expander::SchemaShape(const JsonValue& schema) {
  if (Status error = CheckKeywords(schema)) return std::move(*error);
  Result<Shape> own = OwnShape(schema);
  if (!own) return own;
  return CombinedShape(schema, *std::move(own));
}

Status Expander::CheckKeywords(const JsonValue& schema) const {
  for (const JsonValue::Member& member : schema.members) {
    const Keyword* keyword = FindKeyword(member.first);
    if (keyword == nullptr || keyword->role == KeywordRole::kAnnotation) continue;
    if (keyword->role == KeywordRole::kRefused) {
      return context_.document->ErrorAt(&schema, member.first,
                                        "keyword is not supported, so it would not be enforced");
    }
    const std::optional<Misfit> misfit = FindMisfit(member.second, keyword->form);
    if (!misfit) continue;
    return context_.document->ErrorAt(
        misfit->value, "",
        "wrong value; got " + Shown(*misfit->value) + ", allowed " + std::string(misfit->allowed));
  }
  return std::nullopt;
}

// What the keywords say that do not combine other schemas.
Result<Shape> Expander::OwnShape(const JsonValue& schema) {
  Shape shape = Shape::All();
  Result<std::vector<TextSet>> texts = TextsOf(schema, context_);
  if (!texts) return texts.error();
  shape.texts = *std::move(texts);
  if (HasNarrowedFormat(schema)) shape.narrowed_by = &schema;
  Result<NumberSet> numbers = NumbersOf(schema, context_);
  if (!numbers) return numbers.error();
  shape.numbers = *std::move(numbers);
  shape.arrays = ArraysOf(schema, context_);
  Result<std::vector<ObjectShape>> objects = ObjectsOf(schema, context_);
  if (!objects) return objects.error();
  shape.objects = *std::move(objects);
  if (Status error = RestrictTypes(schema, &shape)) return std::move(*error);
  if (Status error = RestrictValues(schema, &shape)) return std::move(*error);
  return shape;
}

Status Expander::RestrictTypes(const JsonValue& schema, Shape* shape) {
  const JsonValue* type = schema.Find("type");
  if (type == nullptr) return std::nullopt;
  const JsonValue* nullable = schema.Find("nullable");  // OpenAPI 3.0
  const bool or_null = nullable != nullptr && nullable->Is(Kind::kTrue);
  if (!Names(*type, "null") && !or_null) shape->null = false;
  if (!Names(*type, "boolean")) shape->no = shape->yes = false;
  if (!Names(*type, "string")) {
    shape->texts.clear();
    shape->narrowed_by = nullptr;
  }
  if (!Names(*type, "array")) shape->arrays.clear();
  if (!Names(*type, "object")) shape->objects.clear();
  if (Names(*type, "number")) return std::nullopt;
  const NumberSet allowed = Names(*type, "integer") ? NumberSet::Integers() : NumberSet::None();
  Result<NumberSet> numbers = Intersection(shape->numbers, allowed);
  if (!numbers) return Placed(numbers.error(), *context_.document, &schema, "type");
  shape->numbers = *std::move(numbers);
  return std::nullopt;
}

Status Expander::RestrictValues(const JsonValue& schema, Shape* shape) {
  for (const char* keyword : {"enum", "const"}) {
    const JsonValue* value = schema.Find(keyword);
    if (value == nullptr) continue;
    std::vector<const JsonValue*> values;
    if (keyword == std::string_view("const")) {
      values.push_back(value);
    } else {
      for (const JsonValue& item : value->items) values.push_back(&item);
    }
    Result<Shape> consts = ConstShape(values, &expressions_);
    // The constants first: members come in their order.
    if (consts) consts = Intersection(*consts, *shape, &expressions_);
    if (!consts) return Placed(consts.error(), *context_.document, &schema, keyword);
    *shape = *std::move(consts);
  }
  return std::nullopt;
}

Result<Shape> Expander::CombinedShape(const JsonValue& schema, Shape own) {
  if (HasUnevaluated(schema)) {
    Result<Shape> combined = UnevaluatedShape(schema, context_);
    if (!combined) return combined;
    return Intersection(own, *combined, &expressions_);
  }
  Result<std::vector<Combination>> combinations = CombinationsOf(schema, false, context_);
  if (!combinations) return combinations.error();
  for (const Combination& combination : *combinations) {
    std::vector<Expr> branches;
    for (const Branch& branch : combination.branches) branches.push_back(branch.expr);
    Result<const Shape*> part = Expand(expressions_.Any(std::move(branches)));
    if (!part && no_opposite_.schema != nullptr) {
      return NoOppositeError(std::exchange(no_opposite_, {}), &schema, *context_.document);
    }
    if (!part) return part.error();
    Result<Shape> both = Intersection(own, **part, &expressions_);
    if (!both) return both;
    own = *std::move(both);
  }
  return own;
}

}  // namespace sentiric::grammar
