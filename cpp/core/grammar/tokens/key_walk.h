// SPDX-License-Identifier: AGPL-3.0-only
// Which tokens would repeat a key.
#pragma once

#include <vector>

#include "core/grammar/automaton/automaton.h"
#include "core/grammar/tokens/token_mask.h"
#include "core/grammar/tokens/trie.h"

namespace sentiric::grammar {

// Removes from the mask of a state that forgets its keys the tokens that repeat a key; `places` are
// those of that mask. Walks only where a remembered key, or a second one in a token, may appear.
// False when the budget ran out.
bool RemoveRepeatedKeys(const Trie& trie, Automaton* automaton, StateId state,
                        const std::vector<KeyPlace>& places, StepBudget* budget, TokenMask* mask)
    REQUIRES(automaton->mutex());

}  // namespace sentiric::grammar
