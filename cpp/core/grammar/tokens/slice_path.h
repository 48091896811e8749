// SPDX-License-Identifier: AGPL-3.0-only
// Where a state leads with one character of some groups after another.
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/automaton/automaton.h"
#include "core/grammar/automaton/byte_groups.h"
#include "core/grammar/tokens/token_slices.h"

namespace sentiric::grammar {

struct SlicePath {
  GroupStep first;
  // After one character, after two, and so on; each is the same for all characters of
  // `first.most`, apart from exceptions in the first place.
  std::vector<StateId> states;
  GroupSet refused = 0;  // at none of the states, and not at the start, such a character may follow
  bool returns = false;  // from the last state, each of the characters leads back to it
  bool stops = false;    // at the last state, none of the characters may follow

  // Whether it says about a text of `first.most` of any size whether it may follow.
  bool IsWhole() const { return returns || stops; }
  // Whether the first character and each more of them lead to the same state.
  bool IsLoop() const { return returns && states.size() <= 2 && states.front() == states.back(); }
  // Whether it says where each number of such characters leads that a small token can have.
  bool IsLong() const { return IsWhole() || states.size() == TokenSlices::kMaxCharacters; }
};

// Ends after TokenSlices::kMaxCharacters characters, or where some of the groups are treated unlike
// others. Empty when the slice of the groups is too small to be of use.
SlicePath FollowGroups(const TokenSlices& slices, Automaton* automaton, StateId state,
                       StepBudget* budget) REQUIRES(automaton->mutex());

}  // namespace sentiric::grammar
