// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <optional>
#include <vector>

#include "core/grammar/schema/expressions.h"
#include "core/grammar/schema/shape.h"

namespace sentiric::grammar {

// Makes equal what means the same. nullopt when no array is left.
std::optional<ArrayShape> Normalized(ArrayShape array);

// Arrays of both. nullopt when there is certainly none.
std::optional<ArrayShape> Intersection(const ArrayShape& a, const ArrayShape& b,
                                       Expressions* expressions);

// All other arrays, as a union, of one whose items need not differ. kInvalidGrammar when the work
// exceeds the budget.
Result<std::vector<ArrayShape>> Complement(const ArrayShape& array, Expressions* expressions);

}  // namespace sentiric::grammar
