// SPDX-License-Identifier: AGPL-3.0-only
// From any deterministic automaton to the minimal one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/edge_lists.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Bounds the automata that are built, before they are minimised.
struct DfaLimits {
  std::size_t states = 20'000;
  std::size_t edges = 200'000;
};

class DfaBuilder {
 public:
  DfaState AddState(bool accepts = false);
  void SetAccepts(DfaState state) { accepts_[state] = true; }

  // Edges of one state must not overlap, in any order; equal edges may be added twice. Surrogates
  // are left out.
  void AddEdge(DfaState from, CodeRange range, DfaState target);

  std::size_t size() const { return accepts_.size(); }

  // kInvalidGrammar when more was added than is allowed.
  Status Check(const DfaLimits& limits) const;

  // Without unreachable and dead states, minimal, in canonical numbers. Consumes the builder.
  Dfa Build(DfaState start = 0);

  // The same when it is known to be minimal already, with useful states alone.
  Dfa BuildMinimal(DfaState start = 0);

 private:
  struct AddedEdge {
    DfaState from = 0;
    DfaEdge edge;
  };

  Dfa None() const;
  EdgeLists Normalized() const;
  std::vector<bool> Useful(const EdgeLists& lists, DfaState start) const;
  void Compact(const std::vector<bool>& useful, EdgeLists* lists, DfaState* start);
  Dfa Number(const EdgeLists& lists, const std::vector<std::uint32_t>& class_of,
             DfaState start) const;

  std::vector<AddedEdge> added_;
  std::vector<bool> accepts_;
  std::size_t num_edges_ = 0;
};

// kInvalidGrammar "too many WHAT; got G, allowed A" of a set of texts, and what to do.
Error TooMany(const char* what, std::size_t got, std::size_t allowed);

}  // namespace sentiric::grammar
