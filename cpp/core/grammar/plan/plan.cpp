// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/plan.h"

#include <optional>
#include <utility>

#include "core/grammar/plan/canonical_texts.h"
#include "core/grammar/plan/places.h"
#include "core/grammar/plan/why_empty.h"
#include "core/grammar/regular/without_parts.h"

namespace sentiric::grammar {

class Planner {
 public:
  Planner(Document* document, const PlainNames& names)
      : document_(*document), names_(names), places_(document) {}

  Result<Plan> Run() {
    plan_.work_ = document_.work();
    plan_.root_ = places_.expressions()->Schema(&document_.root());
    Result<bool> is_possible = places_.IsPossible(plan_.root_);
    if (!is_possible) return is_possible.error();
    if (!*is_possible) return WhyEmpty(&document_, &places_);
    if (Status error = SetPlain()) return std::move(*error);
    if (Status error = Keep()) return std::move(*error);
    return std::move(plan_);
  }

 private:
  Status SetPlain() {
    if (names_.end.empty()) return std::nullopt;
    Result<Dfa> plain = TextsWithout({names_.end});
    if (!plain) return plain.error();
    plain_ = *std::move(plain);
    return plan_.work_->Spend(WorkBudget::kEdge * plain_->num_edges());
  }

  // Writes down what is left when nothing impossible is begun.
  Status Keep() {
    std::vector<Expr> todo = {plan_.root_};
    plan_.values_[plan_.root_];
    if (plain_ && names_.only_of_root) {
      Result<std::vector<ListGraph>> lists = places_.ListsNamed(plan_.root_, *plain_);
      if (!lists) return lists.error();
      if (Status error = KeepMembers(*lists, &todo)) return error;
      plan_.lists_of_root_ = *std::move(lists);
    }
    while (!todo.empty()) {
      const Expr expr = todo.back();
      todo.pop_back();
      Result<std::vector<ListGraph>> lists = plain_ && !names_.only_of_root
                                                 ? places_.ListsNamed(expr, *plain_)
                                                 : places_.TakeLists(expr);
      if (!lists) return lists.error();
      if (Status error = KeepMembers(*lists, &todo)) return error;
      PlannedValue& value = plan_.values_[expr];
      PlannedValue kept = places_.TakeScalars(expr);
      kept.lists = *std::move(lists);
      kept.canonical = value.canonical;
      kept.needs_canonical = value.needs_canonical;
      value = std::move(kept);
    }
    return std::nullopt;
  }

  Status KeepMembers(const std::vector<ListGraph>& lists, std::vector<Expr>* todo) {
    for (const ListGraph& list : lists) {
      const bool unique = !list.is_object && list.is_distinct;
      for (const Slot& slot : list.slots) {
        if (plan_.values_.emplace(slot.value, PlannedValue{}).second) todo->push_back(slot.value);
        Status error = unique ? AddCanonical(slot.value) : std::nullopt;
        if (error) return error;
      }
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
  const PlainNames names_;
  Places places_;
  std::optional<Dfa> plain_;  // further names that can be written; nullopt: all
  Plan plan_;
};

Result<Plan> Plan::Make(Document* document, const PlainNames& names) {
  return Planner(document, names).Run();
}

}  // namespace sentiric::grammar
