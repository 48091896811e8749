// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/reader/schema_context.h"

namespace sentiric::grammar {

// The values that equal one of `values`, which must outlive the expressions. Members may come in
// the order of the constant only. Errors: see Union in shape_algebra.h, and a number over the
// limits of Decimal.
Result<Shape> ConstShape(const std::vector<const JsonValue*>& values, Expressions* expressions);

}  // namespace sentiric::grammar
