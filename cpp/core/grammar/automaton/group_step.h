// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/automaton/automaton.h"
#include "core/grammar/automaton/byte_groups.h"

namespace sentiric::grammar {

// What a state does with whole groups of characters; see GroupStep. When the budget runs out, the
// rest of the groups is left out.
GroupStep FindGroupStep(Automaton* automaton, StateId state, StepBudget* budget)
    REQUIRES(automaton->mutex());

}  // namespace sentiric::grammar
