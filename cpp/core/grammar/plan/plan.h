// SPDX-License-Identifier: AGPL-3.0-only
// All places for values that a schema leads to, each with what can be written there. What can never
// be finished is left out, so that whoever follows the plan always comes to an end.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/grammar/plan/planned_value.h"
#include "core/grammar/schema/document.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Names of members that stand as they are: no name that is not listed contains what ends it, so
// that nothing leads to one that cannot be written.
struct PlainNames {
  std::string end;            // behind a name; empty: all names have JSON's spelling
  bool only_of_root = false;  // those of others have
};

class Plan {
 public:
  // Errors: kInvalidGrammar at a place of the document, also when no value is possible (see
  // why_empty.h).
  static Result<Plan> Make(Document* document, const PlainNames& names = {});

  Expr root() const { return root_; }
  // Of the root or a slot of a list in the plan.
  const PlannedValue& at(Expr expr) const { return values_.at(expr); }
  // Where only the names of the root are plain: its lists with them. Those of at(root()) are JSON.
  const std::vector<ListGraph>& lists_of_root() const { return lists_of_root_; }
  // Of the document; it is for what writes the plan, too.
  WorkBudget& work() const { return *work_; }

 private:
  friend class Planner;
  Expr root_ = kNoValue;
  std::unordered_map<Expr, PlannedValue> values_;
  std::vector<ListGraph> lists_of_root_;
  std::shared_ptr<WorkBudget> work_;
};

}  // namespace sentiric::grammar
