// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/reader/schema_context.h"

namespace sentiric::grammar {

// An array of unique items as long as there are different items for it, so that none is begun that
// cannot be finished; without `unique` where it says nothing. kInvalidGrammar without a place when
// that cannot be told, or when items may be arrays or objects.
Result<ArrayShape> WithUniqueRoom(ArrayShape array, Expressions* expressions, ShapeSource* shapes);

}  // namespace sentiric::grammar
