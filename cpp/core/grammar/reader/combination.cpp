// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/combination.h"

#include <optional>
#include <string>
#include <utility>

#include "core/grammar/reader/disjoint.h"

namespace sentiric::grammar {
namespace {

// Branches that exclude each other are counted in subsets.
constexpr std::size_t kMaxDistinct = 6;

class CombinationReader {
 public:
  CombinationReader(const JsonValue& schema, bool distinct, const SchemaContext& context)
      : schema_(schema),
        distinct_(distinct),
        context_(context),
        expressions_(*context.expressions) {}

  Result<std::vector<Combination>> Run() {
    if (Status error = AddReferences()) return std::move(*error);
    AddAllOf();
    if (Status error = AddAnyOf()) return std::move(*error);
    if (Status error = AddOneOf()) return std::move(*error);
    AddNot();
    AddIf();
    AddDependencies("dependentSchemas");
    AddDependencies("dependencies");
    return std::move(combinations_);
  }

 private:
  Expr Schema(const JsonValue* schema) { return expressions_.Schema(schema); }

  void AddOne(const JsonValue* schema) {
    combinations_.push_back({{Branch{Schema(schema), {schema}}}});
  }

  Status AddReferences() {
    if (const JsonValue* reference = schema_.Find("$ref")) {
      auto target = context_.document->Resolve(&schema_, reference->text);
      if (!target) return target.error();
      AddOne(*target);
    }
    if (const JsonValue* reference = schema_.Find("$dynamicRef")) {
      auto target = context_.document->ResolveDynamic(&schema_, reference->text);
      if (!target) return target.error();
      AddOne(*target);
    }
    return std::nullopt;
  }

  void AddAllOf() {
    const JsonValue* schemas = schema_.Find("allOf");
    if (schemas == nullptr) return;
    for (const JsonValue& schema : schemas->items) AddOne(&schema);
  }

  Status AddAnyOf() {
    const JsonValue* schemas = schema_.Find("anyOf");
    if (schemas == nullptr) return std::nullopt;
    Combination combination;
    if (distinct_) {
      if (schemas->items.size() > kMaxDistinct) return TooManyDistinct("anyOf", *schemas);
      for (std::size_t chosen = 1; chosen < std::size_t{1} << schemas->items.size(); ++chosen)
        combination.branches.push_back(Exactly(*schemas, chosen));
    } else {
      for (const JsonValue& schema : schemas->items)
        combination.branches.push_back({Schema(&schema), {&schema}});
    }
    combinations_.push_back(std::move(combination));
    return std::nullopt;
  }

  Error TooManyDistinct(const char* keyword, const JsonValue& schemas) const {
    return context_.document->ErrorAt(
        &schema_, keyword,
        "too many branches beside unevaluatedProperties or unevaluatedItems; got " +
            std::to_string(schemas.items.size()) + ", allowed " + std::to_string(kMaxDistinct));
  }

  // Values of the schemas whose bits are set, and of no other.
  Branch Exactly(const JsonValue& schemas, std::size_t chosen) {
    Branch branch;
    std::vector<Expr> parts;
    for (std::size_t i = 0; i < schemas.items.size(); ++i) {
      const Expr schema = Schema(&schemas.items[i]);
      const bool passes = (chosen >> i & 1) != 0;
      parts.push_back(passes ? schema : expressions_.Not(schema));
      if (passes) branch.passed.push_back(&schemas.items[i]);
    }
    branch.expr = expressions_.All(std::move(parts));
    return branch;
  }

  // A complement is needed only where two schemas may have a value in common.
  Status AddOneOf() {
    const JsonValue* schemas = schema_.Find("oneOf");
    if (schemas == nullptr) return std::nullopt;
    const std::size_t size = schemas->items.size();
    std::vector<std::vector<Expr>> parts(size);
    for (std::size_t i = 0; i < size; ++i) {
      const Expr first = Schema(&schemas->items[i]);
      parts[i].push_back(first);
      for (std::size_t j = 0; j < i; ++j) {
        const Expr second = Schema(&schemas->items[j]);
        Result<bool> empty = IsCertainlyEmpty(expressions_.All({first, second}), context_);
        if (!empty) return empty.error();
        if (*empty) continue;
        parts[i].push_back(expressions_.Not(second));
        parts[j].push_back(expressions_.Not(first));
      }
    }
    Combination combination;
    for (std::size_t i = 0; i < size; ++i)
      combination.branches.push_back({expressions_.All(parts[i]), {&schemas->items[i]}});
    combinations_.push_back(std::move(combination));
    return std::nullopt;
  }

  void AddNot() {
    const JsonValue* schema = schema_.Find("not");
    if (schema == nullptr) return;
    combinations_.push_back({{Branch{expressions_.Not(Schema(schema)), {}}}});
  }

  void AddIf() {
    const JsonValue* condition = schema_.Find("if");
    const JsonValue* yes = schema_.Find("then");
    const JsonValue* no = schema_.Find("else");
    if (condition == nullptr || (yes == nullptr && no == nullptr && !distinct_)) return;
    AddChoice(Schema(condition), condition, yes, no);
  }

  void AddChoice(Expr condition, const JsonValue* passed, const JsonValue* yes,
                 const JsonValue* no) {
    Branch first{condition, {}};
    Branch second{expressions_.Not(condition), {}};
    if (passed != nullptr) first.passed.push_back(passed);
    if (yes != nullptr) {
      first.expr = expressions_.All({first.expr, Schema(yes)});
      first.passed.push_back(yes);
    }
    if (no != nullptr) {
      second.expr = expressions_.All({second.expr, Schema(no)});
      second.passed.push_back(no);
    }
    combinations_.push_back({{std::move(first), std::move(second)}});
  }

  void AddDependencies(const char* keyword) {
    const JsonValue* dependencies = schema_.Find(keyword);
    if (dependencies == nullptr) return;
    for (const JsonValue::Member& member : dependencies->members) {
      if (member.second.Is(JsonValue::Kind::kArray)) continue;
      AddChoice(Schema(Having(member.first)), nullptr, &member.second, nullptr);
    }
  }

  // {"type": "object", "required": [name]}
  const JsonValue* Having(const std::string& name) {
    JsonValue text;
    text.kind = JsonValue::Kind::kString;
    text.text = "object";
    JsonValue names;
    names.kind = JsonValue::Kind::kArray;
    names.items.push_back(text);
    names.items[0].text = name;
    JsonValue schema;
    schema.kind = JsonValue::Kind::kObject;
    schema.members = {{"type", std::move(text)}, {"required", std::move(names)}};
    return context_.document->Make(std::move(schema));
  }

  const JsonValue& schema_;
  const bool distinct_;
  const SchemaContext& context_;
  Expressions& expressions_;
  std::vector<Combination> combinations_;
};

}  // namespace

Result<std::vector<Combination>> CombinationsOf(const JsonValue& schema, bool distinct,
                                                const SchemaContext& context) {
  return CombinationReader(schema, distinct, context).Run();
}

}  // namespace sentiric::grammar
