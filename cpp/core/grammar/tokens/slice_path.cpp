// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/slice_path.h"

namespace sentiric::grammar {

SlicePath FollowGroups(const TokenSlices& slices, Automaton* automaton, StateId state,
                       StepBudget* budget) {
  SlicePath path;
  if (!automaton->AcceptsMany(state)) return path;
  GroupStep step = automaton->StepByGroups(state, budget);
  if (!slices.HasMany(step.most)) return path;
  path.first = step;
  path.refused = step.refused;
  const GroupSet groups = step.most;
  bool is_shared = groups != 0;  // all groups are treated alike
  while (path.states.size() < TokenSlices::kMaxCharacters && !path.IsWhole() && is_shared) {
    path.returns = step.next == state && step.num_exceptions == 0;
    state = step.next;
    path.states.push_back(state);
    step = automaton->StepByGroups(state, budget);
    is_shared = (groups & ~step.groups) == 0;
    path.refused &= step.refused | groups;
    path.stops = (groups & ~step.refused) == 0;
  }
  return path;
}

}  // namespace sentiric::grammar
