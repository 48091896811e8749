// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/regular/signatures.h"

namespace sentiric::grammar {

// Gives classes from 0 on to the states that no cycle can be reached from, beginning with those
// without edges (Revuz 1992); equivalent ones get the same. `class_of` is kNoStateClass everywhere
// before, and for the other states after. Returns the number of classes. Linear.
StateClass FindFiniteClasses(const EdgeLists& lists, const std::vector<bool>& accepts,
                             const SourceLists& sources, std::vector<StateClass>* class_of);

}  // namespace sentiric::grammar
