// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/keywords.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/grammar/number/decimal.h"

namespace sentiric::grammar {
namespace {

using Kind = JsonValue::Kind;

bool IsSchema(const JsonValue& value) { return value.IsBool() || value.Is(Kind::kObject); }

template <typename Test>
bool AllItems(const JsonValue& value, Test test) {
  return value.Is(Kind::kArray) && std::all_of(value.items.begin(), value.items.end(), test);
}

template <typename Test>
bool AllMembers(const JsonValue& value, Test test) {
  return value.Is(Kind::kObject) &&
         std::all_of(value.members.begin(), value.members.end(),
                     [&](const JsonValue::Member& member) { return test(member.second); });
}

bool AreSchemas(const JsonValue& value) { return AllItems(value, IsSchema); }

bool AreNames(const JsonValue& value) {
  std::set<std::string_view> names;
  return AllItems(value, [&names](const JsonValue& item) {
    return item.Is(Kind::kString) && names.insert(item.text).second;
  });
}

bool IsTypeName(const JsonValue& value) {
  static const std::set<std::string_view> kTypes = {"null",   "boolean", "integer", "number",
                                                    "string", "array",   "object"};
  return value.Is(Kind::kString) && kTypes.count(value.text) > 0;
}

bool IsCount(const JsonValue& value) {
  if (!value.Is(Kind::kNumber)) return false;
  const Result<Decimal> number = Decimal::Parse(value.text);
  return number && number->IsInteger() && !number->IsNegative();
}

// No answer has more characters or items.
bool IsWithinReach(const JsonValue& value) {
  const Result<Decimal> number = Decimal::Parse(value.text);
  return number && *number <= Decimal(1'000'000);
}

bool IsPositive(const JsonValue& value) {
  if (!value.Is(Kind::kNumber)) return false;
  const Result<Decimal> number = Decimal::Parse(value.text);
  return number && !number->IsNegative() && !number->IsZero();
}

bool HasForm(const JsonValue& value, KeywordForm form) {
  switch (form) {
    case KeywordForm::kFree: return true;
    case KeywordForm::kSchema: return IsSchema(value);
    case KeywordForm::kSchemas: return AreSchemas(value) && !value.items.empty();
    case KeywordForm::kSchemaOrSchemas: return IsSchema(value) || AreSchemas(value);
    case KeywordForm::kSchemaMap: return AllMembers(value, IsSchema);
    case KeywordForm::kSchemaOrNames: return IsSchema(value) || AreNames(value);
    case KeywordForm::kDependencies:
      return AllMembers(value, [](const JsonValue& v) { return IsSchema(v) || AreNames(v); });
    case KeywordForm::kNamesMap: return AllMembers(value, AreNames);
    case KeywordForm::kNames: return AreNames(value);
    case KeywordForm::kType:
      return IsTypeName(value) || (AllItems(value, IsTypeName) && !value.items.empty());
    case KeywordForm::kCount: return IsCount(value);
    case KeywordForm::kLeast: return IsCount(value) && IsWithinReach(value);
    case KeywordForm::kNumber: return value.Is(Kind::kNumber);
    case KeywordForm::kPositive: return IsPositive(value);
    case KeywordForm::kNumberOrBool: return value.Is(Kind::kNumber) || value.IsBool();
    case KeywordForm::kText: return value.Is(Kind::kString);
    case KeywordForm::kBool: return value.IsBool();
    case KeywordForm::kArray: return value.Is(Kind::kArray);
  }
  return false;
}

// What everything in the value of such a keyword has to be, if the value is a list or a map.
std::optional<KeywordForm> FormInside(const JsonValue& value, KeywordForm form) {
  const bool is_list = value.Is(Kind::kArray), is_map = value.Is(Kind::kObject);
  if (form == KeywordForm::kSchemas || form == KeywordForm::kSchemaOrSchemas)
    return is_list ? std::optional(KeywordForm::kSchema) : std::nullopt;
  if (form == KeywordForm::kNames)
    return is_list ? std::optional(KeywordForm::kText) : std::nullopt;
  if (!is_map) return std::nullopt;
  switch (form) {
    case KeywordForm::kSchemaMap: return KeywordForm::kSchema;
    case KeywordForm::kDependencies: return KeywordForm::kSchemaOrNames;
    case KeywordForm::kNamesMap: return KeywordForm::kNames;
    default: return std::nullopt;
  }
}

std::string_view Expected(KeywordForm form) {
  switch (form) {
    case KeywordForm::kFree: return "any value";
    case KeywordForm::kSchema: return "a schema (an object or a boolean)";
    case KeywordForm::kSchemas: return "an array of at least one schema";
    case KeywordForm::kSchemaOrSchemas: return "a schema or an array of schemas";
    case KeywordForm::kSchemaMap: return "an object of schemas";
    case KeywordForm::kSchemaOrNames: return "a schema or an array of distinct names";
    case KeywordForm::kDependencies: return "an object of schemas or arrays of names";
    case KeywordForm::kNamesMap: return "an object of arrays of distinct names";
    case KeywordForm::kNames: return "an array of distinct names";
    case KeywordForm::kType:
      return "null, boolean, integer, number, string, array, object or an array of these";
    case KeywordForm::kCount: return "an integer from 0 on";
    case KeywordForm::kLeast: return "an integer from 0 to 1000000";
    case KeywordForm::kNumber: return "a number";
    case KeywordForm::kPositive: return "a number above 0";
    case KeywordForm::kNumberOrBool: return "a number or (in OpenAPI 3.0) a boolean";
    case KeywordForm::kText: return "a string";
    case KeywordForm::kBool: return "a boolean";
    case KeywordForm::kArray: return "an array";
  }
  return "";
}

}  // namespace

std::string_view RoleName(KeywordRole role) {
  switch (role) {
    case KeywordRole::kEnforced: return "enforced";
    case KeywordRole::kReference: return "reference";
    case KeywordRole::kAnnotation: return "annotation";
    case KeywordRole::kRefused: return "refused";
  }
  return "";
}

const std::vector<Keyword>& Keywords() {
  constexpr KeywordRole kEnforced = KeywordRole::kEnforced;
  constexpr KeywordRole kReference = KeywordRole::kReference;
  constexpr KeywordRole kAnnotation = KeywordRole::kAnnotation;
  using Form = KeywordForm;
  static const std::vector<Keyword> kKeywords = {
      {"type", kEnforced, Form::kType},
      {"enum", kEnforced, Form::kArray},
      {"const", kEnforced, Form::kFree},
      {"nullable", kEnforced, Form::kBool},
      {"minLength", kEnforced, Form::kLeast},
      {"maxLength", kEnforced, Form::kCount},
      {"pattern", kEnforced, Form::kText},
      {"format", kEnforced, Form::kText},
      {"minimum", kEnforced, Form::kNumber},
      {"maximum", kEnforced, Form::kNumber},
      {"exclusiveMinimum", kEnforced, Form::kNumberOrBool},
      {"exclusiveMaximum", kEnforced, Form::kNumberOrBool},
      {"multipleOf", kEnforced, Form::kPositive},
      {"properties", kEnforced, Form::kSchemaMap},
      {"required", kEnforced, Form::kNames},
      {"additionalProperties", kEnforced, Form::kSchema},
      {"patternProperties", kEnforced, Form::kSchemaMap},
      {"propertyNames", kEnforced, Form::kSchema},
      {"minProperties", kEnforced, Form::kLeast},
      {"maxProperties", kEnforced, Form::kCount},
      {"dependentRequired", kEnforced, Form::kNamesMap},
      {"dependentSchemas", kEnforced, Form::kSchemaMap},
      {"dependencies", kEnforced, Form::kDependencies},
      {"unevaluatedProperties", kEnforced, Form::kSchema},
      {"items", kEnforced, Form::kSchemaOrSchemas},
      {"prefixItems", kEnforced, Form::kSchemas},
      {"additionalItems", kEnforced, Form::kSchema},
      {"minItems", kEnforced, Form::kLeast},
      {"maxItems", kEnforced, Form::kCount},
      {"contains", kEnforced, Form::kSchema},
      {"minContains", kEnforced, Form::kLeast},
      {"maxContains", kEnforced, Form::kCount},
      {"uniqueItems", kEnforced, Form::kBool},
      {"unevaluatedItems", kEnforced, Form::kSchema},
      {"allOf", kEnforced, Form::kSchemas},
      {"anyOf", kEnforced, Form::kSchemas},
      {"oneOf", kEnforced, Form::kSchemas},
      {"not", kEnforced, Form::kSchema},
      {"if", kEnforced, Form::kSchema},
      {"then", kEnforced, Form::kSchema},
      {"else", kEnforced, Form::kSchema},
      {"$ref", kReference, Form::kText},
      {"$defs", kReference, Form::kSchemaMap},
      {"definitions", kReference, Form::kSchemaMap},
      {"$id", kReference, Form::kText},
      {"$anchor", kReference, Form::kText},
      {"$dynamicAnchor", kReference, Form::kText},
      {"$dynamicRef", kReference, Form::kText},
      {"$recursiveRef", KeywordRole::kRefused, Form::kFree},
      {"$recursiveAnchor", KeywordRole::kRefused, Form::kFree},
      {"$schema", kAnnotation, Form::kFree},
      {"$vocabulary", kAnnotation, Form::kFree},
      {"$comment", kAnnotation, Form::kFree},
      {"title", kAnnotation, Form::kFree},
      {"description", kAnnotation, Form::kFree},
      {"default", kAnnotation, Form::kFree},
      {"examples", kAnnotation, Form::kFree},
      {"example", kAnnotation, Form::kFree},
      {"deprecated", kAnnotation, Form::kFree},
      {"readOnly", kAnnotation, Form::kFree},
      {"writeOnly", kAnnotation, Form::kFree},
      {"contentEncoding", kAnnotation, Form::kFree},
      {"contentMediaType", kAnnotation, Form::kFree},
      {"contentSchema", kAnnotation, Form::kFree},
      {"discriminator", kAnnotation, Form::kFree},
      {"externalDocs", kAnnotation, Form::kFree},
      {"xml", kAnnotation, Form::kFree},
  };
  return kKeywords;
}

const Keyword* FindKeyword(std::string_view name) {
  static const std::unordered_map<std::string_view, const Keyword*> kIndex = [] {
    std::unordered_map<std::string_view, const Keyword*> index;
    for (const Keyword& keyword : Keywords()) index.emplace(keyword.name, &keyword);
    return index;
  }();
  const auto found = kIndex.find(name);
  return found == kIndex.end() ? nullptr : found->second;
}

std::optional<Misfit> FindMisfit(const JsonValue& value, KeywordForm form) {
  if (HasForm(value, form)) return std::nullopt;
  if (form == KeywordForm::kSchemaOrNames && value.Is(Kind::kArray)) form = KeywordForm::kNames;
  const std::optional<KeywordForm> inner = FormInside(value, form);
  if (!inner) return Misfit{&value, Expected(form)};
  for (const JsonValue& item : value.items) {
    if (std::optional<Misfit> misfit = FindMisfit(item, *inner)) return misfit;
  }
  for (const JsonValue::Member& member : value.members) {
    if (std::optional<Misfit> misfit = FindMisfit(member.second, *inner)) return misfit;
  }
  std::set<std::string_view> names;
  for (const JsonValue& item : value.items) {
    const bool is_new = names.insert(item.text).second;
    if (form == KeywordForm::kNames && !is_new) return Misfit{&item, "a name once"};
  }
  return Misfit{&value, Expected(form)};
}

SchemaForms FormsOf(KeywordForm form) {
  SchemaForms forms;
  forms.one = form == KeywordForm::kSchema || form == KeywordForm::kSchemaOrSchemas;
  forms.list = form == KeywordForm::kSchemas || form == KeywordForm::kSchemaOrSchemas;
  forms.map = form == KeywordForm::kSchemaMap || form == KeywordForm::kDependencies;
  return forms;
}

std::vector<const JsonValue*> SchemasIn(const JsonValue& value, KeywordForm form) {
  std::vector<const JsonValue*> schemas;
  const SchemaForms forms = FormsOf(form);
  if (forms.one && IsSchema(value)) schemas.push_back(&value);
  for (const JsonValue& item : value.items) {
    if (forms.list && IsSchema(item)) schemas.push_back(&item);
  }
  for (const JsonValue::Member& member : value.members) {
    if (forms.map && IsSchema(member.second)) schemas.push_back(&member.second);
  }
  return schemas;
}

}  // namespace sentiric::grammar
