// SPDX-License-Identifier: AGPL-3.0-only
// Tokens that are allowed because of their tails.
#pragma once

#include <vector>

#include "core/grammar/automaton/automaton.h"
#include "core/grammar/tokens/token_mask.h"
#include "core/grammar/tokens/trie.h"

namespace sentiric::grammar {

// Adds the tokens whose tails may follow a state. Those that may end a key are left to a walk of
// whole tokens, which finds the places of keys. False when the budget ran out.
bool AddByTails(const Trie& tails, Automaton* automaton, StateId state, StepBudget* budget,
                TokenMask* mask, std::vector<Token>* left) REQUIRES(automaton->mutex());

}  // namespace sentiric::grammar
