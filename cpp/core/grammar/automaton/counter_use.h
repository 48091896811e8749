// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>

#include "core/grammar/automaton/program.h"

namespace sentiric::grammar {

// Finds where the values of a counter matter in a finished program: liveness, as in compilers, and
// the bounds by connected regions in which the counter is live. Almost linear; never recurses.
CounterUse FindCounterUse(const Program& program, std::size_t counter);

}  // namespace sentiric::grammar
