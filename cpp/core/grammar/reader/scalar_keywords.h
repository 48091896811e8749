// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/reader/schema_context.h"

namespace sentiric::grammar {

// What the keywords of one schema say about texts: minLength, maxLength, pattern, format. The
// schema has passed CheckKeywords. Errors: kInvalidGrammar at the keyword.
Result<std::vector<TextSet>> TextsOf(const JsonValue& schema, const SchemaContext& context);

// Whether the format of the schema is enforced by texts that are not all it allows.
bool HasNarrowedFormat(const JsonValue& schema);

// The same for numbers: minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf.
Result<NumberSet> NumbersOf(const JsonValue& schema, const SchemaContext& context);

}  // namespace sentiric::grammar
