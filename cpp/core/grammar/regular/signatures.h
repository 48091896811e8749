// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/regular/edge_lists.h"

namespace sentiric::grammar {

// A set of states that are taken to be equivalent.
using StateClass = std::uint32_t;
inline constexpr StateClass kNoStateClass = UINT32_MAX;

// Where the edges of a state lead, as classes. Refers to its arguments, which may change.
class Signatures {
 public:
  Signatures(const EdgeLists& lists, const std::vector<StateClass>& class_of)
      : lists_(lists), class_of_(class_of) {}

  std::uint64_t Hash(DfaState s) const {
    std::uint64_t hash = 0;
    const DfaEdges edges = lists_.of(s);
    Labelled x;
    for (const DfaEdge* edge = edges.begin(); Next(edges, &edge, &x);) {
      hash = (hash ^ (std::uint64_t{x.range.first} << 32 | x.range.last)) * 0x9E3779B97F4A7C15ULL;
      hash = (hash ^ (hash >> 29) ^ x.target) * 0xBF58476D1CE4E5B9ULL;
    }
    return hash ^ (hash >> 32);
  }

  bool AreEqual(DfaState a, DfaState b) const {
    const DfaEdges of_a = lists_.of(a), of_b = lists_.of(b);
    Labelled x, y;
    for (const DfaEdge *i = of_a.begin(), *j = of_b.begin();;) {
      const bool more = Next(of_a, &i, &x);
      if (more != Next(of_b, &j, &y)) return false;
      if (!more) return true;
      if (!(x.range == y.range) || x.target != y.target) return false;
    }
  }

 private:
  struct Labelled {
    CodeRange range;
    StateClass target = 0;
  };

  // The next edge of the signature: adjacent ranges that lead to the same class are one.
  bool Next(DfaEdges edges, const DfaEdge** edge, Labelled* out) const {
    if (*edge == edges.end()) return false;
    *out = {(*edge)->range, class_of_[(*edge)->target]};
    for (++*edge; *edge != edges.end() && (*edge)->range.first == out->range.last + 1 &&
                  class_of_[(*edge)->target] == out->target;
         ++*edge) {
      out->range.last = (*edge)->range.last;
    }
    return true;
  }

  const EdgeLists& lists_;
  const std::vector<StateClass>& class_of_;
};

}  // namespace sentiric::grammar
