// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>

#include "sentiric/error.h"

namespace sentiric::grammar {

// What the compilation of one schema may cost, counted in members compared and states made, so that
// the limit is the same on every machine. Used up in about a second.
class WorkBudget {
 public:
  static constexpr std::size_t kMax = 3'000'000;
  static constexpr std::size_t kEdge = 4;  // of an automaton that is combined and made minimal

  // kInvalidGrammar, without a place, from the time on when it is used up.
  Status Spend(std::size_t work);

 private:
  std::size_t left_ = kMax;
};

}  // namespace sentiric::grammar
