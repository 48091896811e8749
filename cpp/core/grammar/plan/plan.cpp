// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/plan.h"

#include <utility>

#include "core/grammar/plan/canonical_texts.h"
#include "core/grammar/plan/places.h"
#include "core/grammar/plan/why_empty.h"

namespace sentiric::grammar {

class Planner {
 public:
  explicit Planner(Document* document) : document_(*document), places_(document) {}

  Result<Plan> Run() {
    plan_.work_ = document_.work();
    plan_.root_ = places_.expressions()->Schema(&document_.root());
    Result<bool> is_possible = places_.IsPossible(plan_.root_);
    if (!is_possible) return is_possible.error();
    if (!*is_possible) return WhyEmpty(&document_, &places_);
    if (Status error = Keep()) return std::move(*error);
    return std::move(plan_);
  }

 private:
  // Writes down what is left when nothing impossible is begun.
  Status Keep() {
    std::vector<Expr> todo = {plan_.root_};
    plan_.values_[plan_.root_];
    while (!todo.empty()) {
      const Expr expr = todo.back();
      todo.pop_back();
      Result<std::vector<ListGraph>> lists = places_.TakeLists(expr);
      if (!lists) return lists.error();
      for (const ListGraph& list : *lists) {
        const bool unique = !list.is_object && list.is_distinct;
        for (const Slot& slot : list.slots) {
          if (plan_.values_.emplace(slot.value, PlannedValue{}).second) todo.push_back(slot.value);
          Status error = unique ? AddCanonical(slot.value) : std::nullopt;
          if (error) return error;
        }
      }
      PlannedValue& value = plan_.values_[expr];
      PlannedValue kept = places_.TakeScalars(expr);
      kept.lists = *std::move(lists);
      kept.canonical = value.canonical;
      kept.needs_canonical = value.needs_canonical;
      value = std::move(kept);
    }
    return std::nullopt;
  }

  Status AddCanonical(Expr expr) {
    PlannedValue& value = plan_.values_[expr];
    if (value.needs_canonical) return std::nullopt;
    Result<Dfa> texts = CanonicalTexts(places_.ShapeOf(expr));
    if (!texts) return places_.At(expr, texts.error());
    value.canonical = *std::move(texts);
    value.needs_canonical = true;
    return std::nullopt;
  }

  Document& document_;
  Places places_;
  Plan plan_;
};

Result<Plan> Plan::Make(Document* document) { return Planner(document).Run(); }

}  // namespace sentiric::grammar
