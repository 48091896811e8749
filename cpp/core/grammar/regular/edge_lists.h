// SPDX-License-Identifier: AGPL-3.0-only
// The edges of an automaton, found by where they come from and by where they lead.
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

}  // namespace sentiric::grammar
