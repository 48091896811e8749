// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <optional>
#include <vector>

#include "core/grammar/automaton/program.h"

namespace sentiric::grammar {

// Why the subroutines of a program have no order.
struct CallProblem {
  enum class Kind {
    kLeftRecursion,
    kLongChain,
    kTooMuchWork,  // subroutines share code that begins with calls, again and again
  };
  Kind kind = Kind::kLeftRecursion;
  Sub sub = 0;  // kLeftRecursion: the innermost named subroutine of the circle; else: its start
  Pc pc = 0;    // kLeftRecursion: the call that closes the circle
};

// Sets the rank of each subroutine (see program.h). Fails at a left recursion (direct, through
// other subroutines, or behind an item that can match nothing) and at a named subroutine from which
// more than `max_chain` named ones can be entered in a row. The first `num_named` subroutines are
// named. Skips subroutines that are not `live` (by Sub). Linear in the program, except that code is
// walked for each subroutine that shares it, up to a limit; never recurses.
std::optional<CallProblem> OrderCalls(std::uint32_t num_named, std::uint32_t max_chain,
                                      const std::vector<bool>& live, Program* program);

}  // namespace sentiric::grammar
