// SPDX-License-Identifier: AGPL-3.0-only
// unevaluatedProperties and unevaluatedItems: what they bind depends on the branches that a value
// takes, so each way through the schema becomes a case of its own.
#pragma once

#include <vector>

#include "core/grammar/reader/schema_context.h"

namespace sentiric::grammar {

// What keywords beside and below have looked at.
struct Evaluated {
  bool all_names = false;
  std::vector<std::string> names;
  std::vector<Dfa> patterns;
  bool all_items = false;
  std::uint32_t num_items = 0;  // from the first on
};

struct EvaluatedCase {
  Expr expr = kAnyValue;  // values that take this way through the schema
  Evaluated evaluated;
};

bool HasUnevaluated(const JsonValue& schema);

// The values that the schema's combinations, unevaluatedProperties and unevaluatedItems allow.
// Errors: kInvalidGrammar at the keyword when there are too many cases, or when `contains` decides
// what is evaluated.
Result<Shape> UnevaluatedShape(const JsonValue& schema, const SchemaContext& context);

}  // namespace sentiric::grammar
