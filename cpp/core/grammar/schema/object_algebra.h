// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/grammar/schema/expressions.h"
#include "core/grammar/schema/shape.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Objects of both, with the properties in the order of `a`, then of `b`. Empty when there is
// certainly none. kInvalidGrammar when the patterns of names make too large an automaton.
Result<std::optional<ObjectShape>> Intersection(const ObjectShape& a, const ObjectShape& b,
                                                Expressions* expressions);

// All other objects, as a union.
Result<std::vector<ObjectShape>> Complement(const ObjectShape& object, Expressions* expressions);

// Splits the classes so that names of `names` must also be a `value`; properties likewise.
Status Restrict(const Dfa& names, Expr value, Expressions* expressions, ObjectShape* object);

// What a copy costs, in units of WorkBudget.
std::size_t WorkOf(const ObjectShape& object);

// Whether the object is certainly impossible.
bool IsImpossible(const ObjectShape& object);

}  // namespace sentiric::grammar
