// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/regular/edge_lists.h"

namespace sentiric::grammar {

// The coarsest partition into equivalent states, as a class by state. Edges are normalised, dead
// states are gone. States with finitely many texts are compared in an order in which the classes of
// their targets are known (Revuz 1992). For the others refines by signatures (where a state's edges
// lead, as classes); the largest part of a class keeps its name, so that a state is renamed, and
// its predecessors looked at again, at most log2(states) times (Hopcroft 1971; Valmari &
// Franceschinis 2010).
std::vector<std::uint32_t> EquivalenceClasses(const EdgeLists& lists,
                                              const std::vector<bool>& accepts);

}  // namespace sentiric::grammar
