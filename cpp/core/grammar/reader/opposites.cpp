// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/opposites.h"

#include <string>
#include <utility>
#include <vector>

namespace sentiric::grammar {
namespace {

bool SaysTheSame(const JsonValue& schema, const NoOpposite& found) {
  const JsonValue* mine = schema.Find(found.keyword);
  const JsonValue* wanted = found.schema->Find(found.keyword);
  return mine != nullptr && wanted != nullptr && mine->kind == wanted->kind &&
         mine->text == wanted->text;
}

// The first schema in `from` that says the same, or null.
const JsonValue* FindIn(const JsonValue& from, const NoOpposite& found) {
  std::vector<const JsonValue*> todo = {&from};
  while (!todo.empty()) {
    const JsonValue* value = todo.back();
    todo.pop_back();
    if (SaysTheSame(*value, found)) return value;
    for (auto i = value->members.rbegin(); i != value->members.rend(); ++i)
      todo.push_back(&i->second);
    for (auto i = value->items.rbegin(); i != value->items.rend(); ++i) todo.push_back(&*i);
  }
  return nullptr;
}

}  // namespace

Error NoOppositeError(const NoOpposite& found, const JsonValue* under, const Document& document) {
  const JsonValue* schema = nullptr;
  for (const char* keyword : {"not", "if", "oneOf", "anyOf", "allOf", "dependentSchemas"}) {
    const JsonValue* value = under == nullptr ? nullptr : under->Find(keyword);
    if (schema == nullptr && value != nullptr) schema = FindIn(*value, found);
  }
  if (schema == nullptr) schema = found.schema;
  std::string name(found.keyword);
  if (const JsonValue* format = found.keyword == "format" ? schema->Find("format") : nullptr)
    name = "the format " + format->text;
  return document.ErrorAt(schema, found.keyword,
                          "the opposite of " + name +
                              " cannot be enforced; allowed only where it stands under no `not`, "
                              "`if` or overlapping `oneOf`");
}

}  // namespace sentiric::grammar
