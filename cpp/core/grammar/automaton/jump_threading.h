// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/automaton/program.h"

namespace sentiric::grammar {

// Lets everything that leads to a jump lead to where the jump ends; `nothing` stands for jumps that
// go round in a circle. No instruction that can be reached is a jump then. Linear.
void ThreadJumps(Pc nothing, Program* program);

}  // namespace sentiric::grammar
