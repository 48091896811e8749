// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/reader/schema_context.h"

namespace sentiric::grammar {

// What the keywords of one schema say about arrays: items, prefixItems, additionalItems, minItems,
// maxItems, contains, minContains, maxContains, uniqueItems. The schema has passed CheckKeywords.
std::vector<ArrayShape> ArraysOf(const JsonValue& schema, const SchemaContext& context);

// The same for objects: properties, required, additionalProperties, patternProperties,
// propertyNames, minProperties, maxProperties, dependentRequired and the lists of names in
// dependencies. Errors: kInvalidGrammar at the keyword.
Result<std::vector<ObjectShape>> ObjectsOf(const JsonValue& schema, const SchemaContext& context);

}  // namespace sentiric::grammar
