// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/reader/schema_context.h"

namespace sentiric::grammar {

// What one schema leaves to others: a branch of each of $ref, $dynamicRef, allOf, anyOf, oneOf,
// not, if, dependentSchemas and the schemas in dependencies.
struct Branch {
  Expr expr = kAnyValue;
  // Schemas that a value of this branch has passed, so that what they evaluate counts as evaluated.
  std::vector<const JsonValue*> passed;
};

// A value takes at least one of these branches.
struct Combination {
  std::vector<Branch> branches;
};

// All keywords of the schema that combine others. `distinct` makes the branches of anyOf, if and
// dependentSchemas exclude each other, as unevaluatedProperties and unevaluatedItems need it.
// Errors: kInvalidGrammar at the keyword.
Result<std::vector<Combination>> CombinationsOf(const JsonValue& schema, bool distinct,
                                                const SchemaContext& context);

}  // namespace sentiric::grammar
