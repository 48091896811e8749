// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/regular/dfa.h"

namespace sentiric::grammar {

// Edges by state: those of a state are in a row.
struct EdgeLists {
  std::vector<DfaEdge> edges;
  std::vector<std::uint32_t> first;  // by state, and one more

  DfaState size() const { return static_cast<DfaState>(first.size() - 1); }
  DfaEdges of(DfaState s) const { return {edges.data() + first[s], edges.data() + first[s + 1]}; }
};

// By target: the states that edges come from, once for each edge.
struct SourceLists {
  explicit SourceLists(const EdgeLists& lists);

  std::vector<DfaState> sources;
  std::vector<std::uint32_t> first;  // by target, and one more
};

// The coarsest partition into equivalent states, as a class by state. Edges are normalised, dead
// states are gone. States with finitely many texts are compared in an order in which the classes of
// their targets are known (Revuz 1992). For the others refines by signatures (where a state's edges
// lead, as classes); the largest part of a class keeps its name, so that a state is renamed, and
// its predecessors looked at again, at most log2(states) times (Hopcroft 1971; Valmari &
// Franceschinis 2010).
std::vector<std::uint32_t> EquivalenceClasses(const EdgeLists& lists,
                                              const std::vector<bool>& accepts);

}  // namespace sentiric::grammar
