// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/plan/list_graph.h"
#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/length_plan.h"
#include "core/grammar/regular/text_set.h"

namespace sentiric::grammar {

// What can be written at one place.
struct PlannedValue {
  bool null = false;
  bool no = false;
  bool yes = false;
  Dfa numbers = Dfa::None();  // JSON texts
  std::vector<CountedDfa> texts;
  std::vector<TextSet> text_sets;  // the same
  std::vector<ListGraph> lists;
  Dfa canonical = Dfa::None();  // see CanonicalTexts; only where `needs_canonical`
  bool needs_canonical = false;

  bool HasScalars() const { return null || no || yes || !numbers.IsEmpty() || !texts.empty(); }
};

}  // namespace sentiric::grammar
