// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <string_view>

#include "core/grammar/schema/expressions.h"
#include "core/grammar/schema/shape.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Most alternatives of one type in one shape.
inline constexpr std::size_t kMaxAlternatives = 2000;

// Values of both, of either, and all others. Errors: kInvalidGrammar without a place, when the
// result has too many alternatives or an automaton of its texts too many states. All others can be
// told only of a shape without WhatHasNoOpposite.
Result<Shape> Intersection(const Shape& a, const Shape& b, Expressions* expressions);
Result<Shape> Union(Shape a, const Shape& b, Expressions* expressions);
Result<Shape> Complement(const Shape& shape, Expressions* expressions);

// A schema and its keyword of which not all other values can be written: a format of which some
// texts are left out, or uniqueItems, as that some item is there twice is not regular.
struct NoOpposite {
  const JsonValue* schema = nullptr;  // null: there is none
  std::string_view keyword;
};
NoOpposite WhatHasNoOpposite(const Shape& shape);

// Whether a value of no other type than arrays and objects is in the shape. Exact.
bool HasScalars(const Shape& shape);

}  // namespace sentiric::grammar
