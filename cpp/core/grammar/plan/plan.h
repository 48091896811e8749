// SPDX-License-Identifier: AGPL-3.0-only
// All places for values that a schema leads to, each with what can be written there. What can never
// be finished is left out, so that whoever follows the plan always comes to an end.
#pragma once

#include <memory>
#include <unordered_map>

#include "core/grammar/plan/planned_value.h"
#include "core/grammar/schema/document.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

class Plan {
 public:
  // Errors: kInvalidGrammar at a place of the document, also when no value is possible (see
  // why_empty.h).
  static Result<Plan> Make(Document* document);

  Expr root() const { return root_; }
  // Of the root or a slot of a list in the plan.
  const PlannedValue& at(Expr expr) const { return values_.at(expr); }
  // Of the document; it is for what writes the plan, too.
  WorkBudget& work() const { return *work_; }

 private:
  friend class Planner;
  Expr root_ = kNoValue;
  std::unordered_map<Expr, PlannedValue> values_;
  std::shared_ptr<WorkBudget> work_;
};

}  // namespace sentiric::grammar
