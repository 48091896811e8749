// SPDX-License-Identifier: AGPL-3.0-only
// Which tokens may follow a state.
#pragma once

#include <cstdint>
#include <memory>

#include "core/grammar/automaton/automaton.h"
#include "core/grammar/tokens/token_index.h"
#include "core/grammar/tokens/token_mask.h"

namespace sentiric::grammar {

// Numbers of characters of tokens, inclusive.
struct TokenSizes {
  std::uint32_t min = 1;
  std::uint32_t max = Slice::kAnySize;
};

// Adds the tokens of these sizes that may follow, and the places of their keys, to a mask. Most of
// the time is saved by not looking at tokens one by one: where a state treats groups of characters
// alike, their tokens are a slice of the vocabulary (the idea is that of llguidance's slicer),
// those that go on with other characters are told by their tails, and parts of the trie with
// nothing else are skipped. Masks of large parts are cached. False when the budget ran out, which
// leaves the mask incomplete.
bool AddAllowed(const TokenIndex& index, TokenSizes sizes,
                const std::shared_ptr<Automaton>& automaton, StateId state, StepBudget* budget,
                MaskCache* masks, TokenMask* mask) REQUIRES(automaton->mutex());

}  // namespace sentiric::grammar
