// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/edge_lists.h"

#include <cstddef>

namespace sentiric::grammar {

SourceLists::SourceLists(const EdgeLists& lists)
    : sources(lists.edges.size()), first(lists.size() + std::size_t{2}) {
  // Counts are moved by two, so that filling the lists leaves `first` right.
  for (const DfaEdge& edge : lists.edges) ++first[edge.target + std::size_t{2}];
  for (std::size_t i = 2; i < first.size(); ++i) first[i] += first[i - 1];
  for (DfaState s = 0; s < lists.size(); ++s) {
    for (const DfaEdge& edge : lists.of(s)) sources[first[edge.target + std::size_t{1}]++] = s;
  }
  first.pop_back();
}

}  // namespace sentiric::grammar
