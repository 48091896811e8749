// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/reader/schema_context.h"

namespace sentiric::grammar {

// Whether certainly no value is in the expression: looks a few levels deep. Errors: see Expand.
Result<bool> IsCertainlyEmpty(Expr expr, const SchemaContext& context);

}  // namespace sentiric::grammar
