// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/reader/schema_context.h"
#include "core/grammar/schema/shape_algebra.h"

namespace sentiric::grammar {

// kInvalidGrammar at the keyword whose opposite cannot be written. `under` is the schema that asked
// for it, if it is known: schemas that say the same are read once, so the keyword is first looked
// for in what `under` combines.
Error NoOppositeError(const NoOpposite& found, const JsonValue* under, const Document& document);

}  // namespace sentiric::grammar
