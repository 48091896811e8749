// SPDX-License-Identifier: AGPL-3.0-only
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/grammar/reader/list_keywords.h"
#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/pattern/compile_pattern.h"
#include "core/grammar/schema/object_algebra.h"
#include "core/grammar/schema/shape_algebra.h"

namespace sentiric::grammar {
namespace {

class ObjectReader {
 public:
  ObjectReader(const JsonValue& schema, const SchemaContext& context)
      : schema_(schema), context_(context), expressions_(*context.expressions) {}

  Result<std::vector<ObjectShape>> Run() {
    object_.size = {CountAt(schema_, "minProperties", 0),
                    CountAt(schema_, "maxProperties", kUnlimited)};
    AddProperties();
    if (Status error = AddOthers()) return std::move(*error);
    AddRequired();
    if (Status error = AddPropertyNames()) return std::move(*error);
    std::vector<ObjectShape> objects = {std::move(object_)};
    for (const char* keyword : {"dependentRequired", "dependencies"}) {
      if (Status error = AddDependencies(keyword, &objects)) return std::move(*error);
    }
    return objects;
  }

 private:
  Error Placed(Error error, std::string_view keyword) const {
    return grammar::Placed(std::move(error), *context_.document, &schema_, keyword);
  }

  void AddProperties() {
    const JsonValue* properties = schema_.Find("properties");
    if (properties == nullptr) return;
    for (const JsonValue::Member& member : properties->members)
      object_.properties.push_back({member.first, expressions_.Schema(&member.second), false});
  }

  // First additionalProperties, which binds names that no pattern matches, then the patterns.
  Status AddOthers() {
    const JsonValue* patterns = schema_.Find("patternProperties");
    Dfa unmatched = Dfa::All();
    if (patterns != nullptr) {
      for (const JsonValue::Member& member : patterns->members) {
        Result<Dfa> names = NamesOf(PatternTexts(member.first));
        if (!names) return grammar::Placed(names.error(), *context_.document, &member.second, "");
        Result<Dfa> left = Difference(unmatched, *names);
        if (!left) return Placed(left.error(), "patternProperties");
        if (Status error =
                expressions_.Spend(WorkBudget::EdgesOfPattern(*names) + left->num_edges()))
          return Placed(*std::move(error), "patternProperties");
        unmatched = *std::move(left);
        if (Status error =
                Restrict(*names, expressions_.Schema(&member.second), &expressions_, &object_))
          return Placed(*std::move(error), "patternProperties");
      }
    }
    const JsonValue* additional = schema_.Find("additionalProperties");
    if (additional == nullptr) return std::nullopt;
    const Expr value = expressions_.Schema(additional);
    const std::vector<Property> properties = object_.properties;  // they are not additional
    Status error = Restrict(unmatched, value, &expressions_, &object_);
    object_.properties = properties;
    if (error) return Placed(*std::move(error), "additionalProperties");
    return std::nullopt;
  }

  // Names are kept apart by automata alone, so bounds of length become states.
  Result<Dfa> NamesOf(Result<TextSet> texts) const {
    if (!texts) return texts.error();
    return WithoutWindow(*texts);
  }

  void AddRequired() {
    const JsonValue* required = schema_.Find("required");
    if (required == nullptr || !required->Is(JsonValue::Kind::kArray)) return;
    Require(required->items, &object_);
  }

  static void Require(const std::vector<JsonValue>& names, ObjectShape* object) {
    std::unordered_map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < object->properties.size(); ++i)
      index.emplace(object->properties[i].name, i);
    for (const JsonValue& name : names) {
      const auto added = index.emplace(name.text, object->properties.size());
      if (added.second)
        object->properties.push_back({name.text, object->ValueOfOther(name.text), false});
      object->properties[added.first->second].required = true;
    }
  }

  Status AddPropertyNames() {
    const JsonValue* names = schema_.Find("propertyNames");
    if (names == nullptr) return std::nullopt;
    Result<const Shape*> shape = context_.shapes->Expand(expressions_.Schema(names));
    if (!shape) return shape.error();
    Dfa allowed = Dfa::None();
    for (const TextSet& texts : (*shape)->texts) {
      Result<Dfa> more = NamesOf(texts);
      if (more) more = Union(allowed, *more);
      if (!more) return Placed(more.error(), "propertyNames");
      allowed = *std::move(more);
    }
    Result<Dfa> refused = Complement(allowed);
    if (!refused) return Placed(refused.error(), "propertyNames");
    if (Status error = Restrict(*refused, kNoValue, &expressions_, &object_))
      return Placed(*std::move(error), "propertyNames");
    return std::nullopt;
  }

  Status AddDependencies(const char* keyword, std::vector<ObjectShape>* objects) const {
    const JsonValue* dependencies = schema_.Find(keyword);
    if (dependencies == nullptr) return std::nullopt;
    for (const JsonValue::Member& member : dependencies->members) {
      if (!member.second.Is(JsonValue::Kind::kArray) || member.second.items.empty()) continue;
      std::vector<ObjectShape> either;
      for (ObjectShape& object : *objects) {
        const std::size_t work = 2 * WorkOf(object) + member.second.items.size();
        if (Status error = expressions_.Spend(work)) return Placed(*std::move(error), keyword);
        AddDependency(member, std::move(object), &either);
      }
      *objects = std::move(either);
      if (objects->size() > kMaxAlternatives) {
        return Placed({ErrorCode::kInvalidGrammar, "",
                       "too many combinations; allowed " + std::to_string(kMaxAlternatives)},
                      keyword);
      }
    }
    return std::nullopt;
  }

  // Objects without the name, and objects with it and all that it needs.
  void AddDependency(const JsonValue::Member& dependency, ObjectShape object,
                     std::vector<ObjectShape>* either) const {
    const Property* property = object.Find(dependency.first);
    const Expr value = object.ValueOf(dependency.first);
    if (property == nullptr || !property->required) {
      ObjectShape without = object;
      Forbid(dependency.first, &without);
      either->push_back(std::move(without));
    }
    if (value == kNoValue) return;
    std::vector<JsonValue> names(1);
    names[0].text = dependency.first;
    names.insert(names.end(), dependency.second.items.begin(), dependency.second.items.end());
    Require(names, &object);
    if (!IsImpossible(object)) either->push_back(std::move(object));
  }

  static void Forbid(const std::string& name, ObjectShape* object) {
    for (Property& property : object->properties) {
      if (property.name != name) continue;
      property.value = kNoValue;
      return;
    }
    object->properties.push_back({name, kNoValue, false});
  }

  const JsonValue& schema_;
  const SchemaContext& context_;
  Expressions& expressions_;
  ObjectShape object_;
};

}  // namespace

Result<std::vector<ObjectShape>> ObjectsOf(const JsonValue& schema, const SchemaContext& context) {
  return ObjectReader(schema, context).Run();
}

}  // namespace sentiric::grammar
