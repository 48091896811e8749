// SPDX-License-Identifier: AGPL-3.0-only
#include <optional>
#include <utility>

#include "core/grammar/reader/list_keywords.h"
#include "core/grammar/schema/array_algebra.h"

namespace sentiric::grammar {
namespace {

using Kind = JsonValue::Kind;

void AddPrefix(const JsonValue& items, const SchemaContext& context, ArrayShape* array) {
  for (const JsonValue& item : items.items)
    array->prefix.push_back(context.expressions->Schema(&item));
}

void AddItems(const JsonValue& schema, const SchemaContext& context, ArrayShape* array) {
  if (const JsonValue* prefix = schema.Find("prefixItems")) AddPrefix(*prefix, context, array);
  const JsonValue* items = schema.Find("items");
  if (items != nullptr && items->Is(Kind::kArray)) {  // draft-07
    AddPrefix(*items, context, array);
    items = schema.Find("additionalItems");
  }
  if (items != nullptr) array->rest = context.expressions->Schema(items);
}

void AddContains(const JsonValue& schema, const SchemaContext& context, ArrayShape* array) {
  const JsonValue* item = schema.Find("contains");
  if (item == nullptr) return;
  array->contains.push_back({context.expressions->Schema(item), 0,
                             CountAt(schema, "minContains", 1),
                             CountAt(schema, "maxContains", kUnlimited)});
}

}  // namespace

std::vector<ArrayShape> ArraysOf(const JsonValue& schema, const SchemaContext& context) {
  ArrayShape array;
  AddItems(schema, context, &array);
  AddContains(schema, context, &array);
  array.size = {CountAt(schema, "minItems", 0), CountAt(schema, "maxItems", kUnlimited)};
  const JsonValue* unique = schema.Find("uniqueItems");
  if (unique != nullptr && unique->Is(Kind::kTrue)) array.unique_by = &schema;
  std::optional<ArrayShape> normalized = Normalized(std::move(array));
  if (!normalized) return {};
  return {*std::move(normalized)};
}

}  // namespace sentiric::grammar
