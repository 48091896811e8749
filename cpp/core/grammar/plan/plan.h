// SPDX-License-Identifier: AGPL-3.0-only
// All places for values that a schema leads to, each with what can be written there. What can never
// be finished is left out, so that whoever follows the plan always comes to an end.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/grammar/plan/list_graph.h"
#include "core/grammar/reader/expander.h"
#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/length_plan.h"
#include "core/grammar/schema/document.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

struct PlannedValue {
  bool null = false;
  bool no = false;
  bool yes = false;
  Dfa numbers = Dfa::None();  // JSON texts
  std::vector<CountedDfa> texts;
  std::vector<ListGraph> lists;
  Dfa canonical = Dfa::None();  // see CanonicalTexts; only where `needs_canonical`
  bool needs_canonical = false;

  bool HasScalars() const { return null || no || yes || !numbers.IsEmpty() || !texts.empty(); }
};

class Plan {
 public:
  // Errors: kInvalidGrammar at a place of the document, also when no value is possible.
  static Result<Plan> Make(Document* document);

  Expr root() const { return root_; }
  // Of the root or a slot of a list in the plan.
  const PlannedValue& at(Expr expr) const { return values_.at(expr); }

 private:
  friend class Planner;
  Expr root_ = kNoValue;
  std::unordered_map<Expr, PlannedValue> values_;
};

}  // namespace sentiric::grammar
