// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>

#include "core/grammar/schema/expressions.h"
#include "core/grammar/schema/shape.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Most alternatives of one type in one shape.
inline constexpr std::size_t kMaxAlternatives = 2000;

// Values of both, of either, and all others. Errors: kInvalidGrammar without a place, when the
// result has too many alternatives or an automaton of its texts too many states, or cannot be
// written (see array_algebra.h).
Result<Shape> Intersection(const Shape& a, const Shape& b, Expressions* expressions);
Result<Shape> Union(Shape a, const Shape& b, Expressions* expressions);
Result<Shape> Complement(const Shape& shape, Expressions* expressions);

// Whether a value of no other type than arrays and objects is in the shape. Exact.
bool HasScalars(const Shape& shape);

}  // namespace sentiric::grammar
