// SPDX-License-Identifier: AGPL-3.0-only
// Every keyword of JSON Schema that the compiler knows, and what it does with it. Keywords that are
// not in the table are annotations, as the specification says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/grammar/schema/json_value.h"

namespace sentiric::grammar {

enum class KeywordRole : std::uint8_t {
  kEnforced,    // restricts values, in every combination
  kReference,   // names schemas or refers to them
  kAnnotation,  // says nothing about which values are valid
  kRefused,     // a schema that uses it is refused
};

// What the value of a keyword has to be.
enum class KeywordForm : std::uint8_t {
  kFree,
  kSchema,
  kSchemas,          // an array of schemas
  kSchemaOrSchemas,  // draft-07 `items`
  kSchemaMap,        // an object of schemas
  kSchemaOrNames,    // in kDependencies
  kDependencies,     // draft-07: an object of schemas or of arrays of names
  kNamesMap,         // an object of arrays of names
  kNames,            // an array of distinct strings
  kType,             // the name of a type, or an array of such
  kCount,            // an integer from 0 on
  kLeast,            // an integer that a text can reach
  kNumber,
  kPositive,      // a number above 0
  kNumberOrBool,  // draft-04 `exclusiveMinimum` is a boolean
  kText,
  kBool,
  kArray,
};

std::string_view RoleName(KeywordRole role);  // "enforced", "reference", "annotation", "refused"

struct Keyword {
  std::string_view name;
  KeywordRole role = KeywordRole::kAnnotation;
  KeywordForm form = KeywordForm::kFree;
};

// In the order of the documentation.
const std::vector<Keyword>& Keywords();

// Null when it is unknown.
const Keyword* FindKeyword(std::string_view name);

// What is wrong in the value of a keyword: the value itself, or what in it is no schema or name.
struct Misfit {
  const JsonValue* value = nullptr;
  std::string_view allowed;  // for a message: "a string"
};
std::optional<Misfit> FindMisfit(const JsonValue& value, KeywordForm form);

// How a keyword holds schemas: one, an array of them, an object of them by name.
struct SchemaForms {
  bool one = false;
  bool list = false;
  bool map = false;
};
SchemaForms FormsOf(KeywordForm form);

// The schemas directly inside the value of a keyword.
std::vector<const JsonValue*> SchemasIn(const JsonValue& value, KeywordForm form);

}  // namespace sentiric::grammar
