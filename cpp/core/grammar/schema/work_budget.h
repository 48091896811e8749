// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/grammar/regular/dfa.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// What the compilation of one schema, or of all schemas of one structure, may cost, counted in
// members compared and states made, so that the limit is the same on every machine. Used up in
// about a second.
class WorkBudget {
 public:
  static constexpr std::size_t kMax = 3'000'000;
  static constexpr std::size_t kEdge = 4;  // of an automaton that is combined and made minimal

  // What a pattern costs, in such edges: it may be large before it is minimal.
  static std::size_t EdgesOfPattern(const Dfa& texts) {
    return std::max(texts.num_edges(), texts.work() / kEdge);
  }

  // kInvalidGrammar, without a place, from the time on when it is used up.
  Status Spend(std::size_t work);
  std::size_t left() const { return left_; }

 private:
  std::size_t left_ = kMax;
};

}  // namespace sentiric::grammar
