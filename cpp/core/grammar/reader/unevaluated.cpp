// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/unevaluated.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/grammar/reader/combination.h"
#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/pattern/compile_pattern.h"
#include "core/grammar/schema/object_algebra.h"
#include "core/grammar/schema/shape_algebra.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMaxCases = 200;
constexpr int kMaxDepth = 50;

class CaseReader {
 public:
  CaseReader(const JsonValue& schema, const SchemaContext& context)
      : schema_(schema), context_(context) {}

  Result<std::vector<EvaluatedCase>> Run() { return CasesOf(schema_, 0); }

 private:
  Error Refused(const std::string& what) const {
    const bool items = schema_.Find("unevaluatedItems") != nullptr;
    return context_.document->ErrorAt(&schema_,
                                      items ? "unevaluatedItems" : "unevaluatedProperties", what);
  }

  Result<std::vector<EvaluatedCase>> CasesOf(const JsonValue& schema, int depth) {
    std::vector<EvaluatedCase> cases(1);
    if (!schema.Is(JsonValue::Kind::kObject)) return cases;
    if (depth == kMaxDepth) return Refused("what is evaluated cannot be told: nested too deeply");
    if (Status error = AddOwn(schema, depth == 0, &cases[0].evaluated)) return std::move(*error);
    auto combinations = CombinationsOf(schema, true, context_);
    if (!combinations) return combinations.error();
    for (const Combination& combination : *combinations) {
      Status error = Multiply(combination, depth, &cases);
      if (error) return std::move(*error);
    }
    return cases;
  }

  Status AddOwn(const JsonValue& schema, bool is_top, Evaluated* evaluated) const {
    AddNames(schema, evaluated);
    if (const JsonValue* patterns = schema.Find("patternProperties")) {
      for (const JsonValue::Member& member : patterns->members) {
        Result<TextSet> names = PatternTexts(member.first);
        if (!names) return Placed(names.error(), *context_.document, &schema, "patternProperties");
        evaluated->patterns.push_back(names->texts);
      }
    }
    AddItems(schema, evaluated);
    if (!is_top) {
      evaluated->all_names |= schema.Find("unevaluatedProperties") != nullptr;
      evaluated->all_items |= schema.Find("unevaluatedItems") != nullptr;
    }
    if (schema.Find("contains") != nullptr && schema_.Find("unevaluatedItems") != nullptr)
      return Refused("cannot be enforced beside `contains`");
    return std::nullopt;
  }

  static void AddNames(const JsonValue& schema, Evaluated* evaluated) {
    if (const JsonValue* properties = schema.Find("properties")) {
      for (const JsonValue::Member& member : properties->members)
        evaluated->names.push_back(member.first);
    }
    evaluated->all_names |= schema.Find("additionalProperties") != nullptr;
  }

  static void AddItems(const JsonValue& schema, Evaluated* evaluated) {
    std::size_t size = 0;
    if (const JsonValue* prefix = schema.Find("prefixItems")) size = prefix->items.size();
    if (const JsonValue* items = schema.Find("items")) {
      const bool tuple = items->Is(JsonValue::Kind::kArray);
      if (tuple) size = items->items.size();
      evaluated->all_items |= !tuple || schema.Find("additionalItems") != nullptr;
    }
    evaluated->num_items = std::max(evaluated->num_items, static_cast<std::uint32_t>(size));
  }

  Status Multiply(const Combination& combination, int depth, std::vector<EvaluatedCase>* cases) {
    std::vector<EvaluatedCase> product;
    for (const Branch& branch : combination.branches) {
      std::vector<EvaluatedCase> ways = {{branch.expr, {}}};
      for (const JsonValue* passed : branch.passed) {
        auto more = CasesOf(*passed, depth + 1);
        if (!more) return more.error();
        ways = Product(ways, *more);
      }
      const std::vector<EvaluatedCase> added = Product(*cases, ways);
      product.insert(product.end(), added.begin(), added.end());
      if (product.size() > kMaxCases) {
        return Refused("too many ways through the schema; allowed " + std::to_string(kMaxCases));
      }
    }
    *cases = std::move(product);
    return std::nullopt;
  }

  std::vector<EvaluatedCase> Product(const std::vector<EvaluatedCase>& a,
                                     const std::vector<EvaluatedCase>& b) const {
    std::vector<EvaluatedCase> product;
    for (const EvaluatedCase& x : a) {
      for (const EvaluatedCase& y : b) {
        EvaluatedCase both = x;
        both.expr = context_.expressions->All({x.expr, y.expr});
        if (both.expr == kNoValue) continue;
        const Evaluated& more = y.evaluated;
        Evaluated& evaluated = both.evaluated;
        evaluated.all_names |= more.all_names;
        evaluated.all_items |= more.all_items;
        evaluated.num_items = std::max(evaluated.num_items, more.num_items);
        evaluated.names.insert(evaluated.names.end(), more.names.begin(), more.names.end());
        evaluated.patterns.insert(evaluated.patterns.end(), more.patterns.begin(),
                                  more.patterns.end());
        product.push_back(std::move(both));
      }
    }
    return product;
  }

  const JsonValue& schema_;
  const SchemaContext& context_;
};

Status RestrictNames(const Evaluated& evaluated, Expr value, const SchemaContext& context,
                     Shape* shape) {
  if (evaluated.all_names || value == kAnyValue) return std::nullopt;
  Result<Dfa> names = Dfa::Of(evaluated.names);
  for (const Dfa& pattern : evaluated.patterns) {
    if (names) names = Union(*names, pattern);
  }
  if (names) names = Complement(*names);
  if (!names) return names.error();
  for (ObjectShape& object : shape->objects) {
    Status error = Restrict(*names, value, context.expressions, &object);
    if (error) return error;
  }
  return std::nullopt;
}

// A shape of every value but arrays whose items from `num_items` on are not a `value`.
Shape WithItems(const Evaluated& evaluated, Expr value) {
  Shape shape = Shape::All();
  if (evaluated.all_items) return shape;
  shape.arrays[0].prefix.assign(evaluated.num_items, kAnyValue);
  shape.arrays[0].rest = value;
  return shape;
}

Result<Shape> ShapeOf(const EvaluatedCase& way, Expr names, Expr items,
                      const SchemaContext& context) {
  Result<const Shape*> part = context.shapes->Expand(way.expr);
  if (!part) return part.error();
  Result<Shape> shape = Intersection(**part, WithItems(way.evaluated, items), context.expressions);
  if (!shape) return shape;
  if (Status error = RestrictNames(way.evaluated, names, context, &*shape))
    return std::move(*error);
  return shape;
}

Expr SchemaAt(const JsonValue& schema, const char* keyword, const SchemaContext& context) {
  const JsonValue* value = schema.Find(keyword);
  return value == nullptr ? kAnyValue : context.expressions->Schema(value);
}

}  // namespace

bool HasUnevaluated(const JsonValue& schema) {
  return schema.Find("unevaluatedProperties") != nullptr ||
         schema.Find("unevaluatedItems") != nullptr;
}

Result<Shape> UnevaluatedShape(const JsonValue& schema, const SchemaContext& context) {
  auto cases = CaseReader(schema, context).Run();
  if (!cases) return cases.error();
  const Expr names = SchemaAt(schema, "unevaluatedProperties", context);
  const Expr items = SchemaAt(schema, "unevaluatedItems", context);
  Shape any;
  for (const EvaluatedCase& way : *cases) {
    Result<Shape> shape = ShapeOf(way, names, items, context);
    if (!shape) return shape;
    Result<Shape> either = Union(std::move(any), *shape, context.expressions);
    if (!either) return either;
    any = *std::move(either);
  }
  return any;
}

}  // namespace sentiric::grammar
