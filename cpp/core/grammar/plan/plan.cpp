// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/plan.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "core/grammar/number/number_texts.h"
#include "core/grammar/plan/canonical_texts.h"
#include "core/grammar/plan/unique_items.h"

namespace sentiric::grammar {

class Planner {
 public:
  explicit Planner(Document* document) : document_(*document), expander_(document) {}

  Result<Plan> Run() {
    plan_.root_ = expander_.expressions()->Schema(&document_.root());
    if (Status error = Explore()) return std::move(*error);
    if (Status error = FindPossible()) return std::move(*error);
    if (possible_.count(plan_.root_) == 0)
      return document_.ErrorAt(&document_.root(), "", "no value is valid");
    if (Status error = Keep()) return std::move(*error);
    return std::move(plan_);
  }

 private:
  struct Place {
    const Shape* shape = nullptr;
    PlannedValue scalars;          // without lists
    std::vector<ListGraph> lists;  // if all values were possible
  };

  // Every place that lists can lead to if all values were possible.
  Status Explore() {
    std::vector<Expr> todo = {plan_.root_};
    places_[plan_.root_];
    const IsPossible all = [](Expr expr) { return expr != kNoValue; };
    while (!todo.empty()) {
      const Expr expr = todo.back();
      todo.pop_back();
      order_.push_back(expr);
      if (Status error = Describe(expr)) return error;
      Result<std::vector<ListGraph>> lists = Lists(expr, all);
      if (!lists) return lists.error();
      for (const ListGraph& list : *lists) {
        for (const Slot& slot : list.slots) {
          if (places_.emplace(slot.value, Place{}).second) todo.push_back(slot.value);
        }
      }
      places_[expr].lists = *std::move(lists);
    }
    return std::nullopt;
  }

  Status Describe(Expr expr) {
    Result<const Shape*> shape = expander_.Expand(expr);
    if (!shape) return shape.error();
    PlannedValue scalars;
    scalars.null = (*shape)->null;
    scalars.no = (*shape)->no;
    scalars.yes = (*shape)->yes;
    Result<Dfa> numbers = NumberTexts((*shape)->numbers);
    if (!numbers) return At(expr, numbers.error());
    scalars.numbers = *std::move(numbers);
    if (Status error = expander_.expressions()->Spend(4 * scalars.numbers.num_edges()))
      return At(expr, *std::move(error));
    for (const TextSet& texts : (*shape)->texts) {
      Result<CountedDfa> counted = Counted(texts);
      if (!counted) return At(expr, counted.error());
      if (!counted->texts.IsEmpty()) scalars.texts.push_back(*std::move(counted));
    }
    places_[expr].shape = *shape;
    places_[expr].scalars = std::move(scalars);
    return std::nullopt;
  }

  // The error of the schema that the expression is made of first.
  Error At(Expr expr, Error error) const {
    const Expressions& expressions = *expander_.expressions();
    while (expressions.at(expr).value == nullptr && !expressions.at(expr).operands.empty())
      expr = expressions.at(expr).operands[0];
    const JsonValue* schema = expressions.at(expr).value;
    return Placed(std::move(error), document_, schema == nullptr ? &document_.root() : schema, "");
  }

  static bool AreAllPossible(const std::vector<ListGraph>& lists, const IsPossible& is_possible) {
    return std::all_of(lists.begin(), lists.end(), [&](const ListGraph& list) {
      return std::all_of(list.slots.begin(), list.slots.end(),
                         [&](const Slot& slot) { return is_possible(slot.value); });
    });
  }

  Result<std::vector<ListGraph>> Lists(Expr expr, const IsPossible& is_possible) {
    const Shape& shape = *places_[expr].shape;
    std::vector<ListGraph> lists;
    for (const ArrayShape& array : shape.arrays) {
      Result<ArrayShape> bounded = WithUniqueRoom(array, expander_.expressions(), &expander_);
      if (!bounded) return At(expr, bounded.error());
      auto graph = ArrayGraph(*bounded, is_possible, expander_.expressions());
      if (!graph) return At(expr, graph.error());
      if (Status error = Charge(*graph)) return At(expr, *std::move(error));
      if (graph->IsPossible()) lists.push_back(*std::move(graph));
    }
    for (const ObjectShape& object : shape.objects) {
      auto graph = ObjectGraph(object, is_possible, expander_.expressions());
      if (!graph) return At(expr, graph.error());
      if (Status error = Charge(*graph)) return At(expr, *std::move(error));
      if (graph->IsPossible()) lists.push_back(*std::move(graph));
    }
    return lists;
  }

  Status Charge(const ListGraph& graph) {
    return expander_.expressions()->Spend(1 + graph.nodes.size() + graph.slots.size());
  }

  // A value is possible when it has no members, or when all of them are possible. Members were
  // mostly found behind what holds them, so they come first and few rounds are needed.
  Status FindPossible() {
    std::vector<Expr> open(order_.rbegin(), order_.rend());
    for (bool is_news = true; is_news;) {
      std::vector<Expr> left;
      for (Expr expr : open) {
        Result<bool> possible = IsPossibleNow(expr);
        if (!possible) return possible.error();
        if (*possible) possible_.insert(expr);
        if (!*possible && !places_[expr].lists.empty()) left.push_back(expr);
      }
      is_news = left.size() < open.size();
      open = std::move(left);
    }
    return std::nullopt;
  }

  // With the members that are known to be possible.
  Result<bool> IsPossibleNow(Expr expr) {
    const Place& place = places_[expr];
    if (place.scalars.HasScalars()) return true;
    const IsPossible known = [this](Expr member) { return possible_.count(member) > 0; };
    bool is_counted = false;
    for (const ListGraph& list : place.lists) {
      if (Status error = Charge(list)) return At(expr, *std::move(error));
      if (!CanEnd(list, known)) continue;
      if (!list.is_counted) return true;
      is_counted = true;
    }
    if (!is_counted) return false;
    if (AreAllPossible(place.lists, known)) return true;
    Result<std::vector<ListGraph>> lists = Lists(expr, known);
    if (!lists) return lists.error();
    return !lists->empty();
  }

  // Writes down what is left when nothing impossible is begun.
  Status Keep() {
    const IsPossible known = [this](Expr expr) { return possible_.count(expr) > 0; };
    std::vector<Expr> todo = {plan_.root_};
    plan_.values_[plan_.root_];
    while (!todo.empty()) {
      const Expr expr = todo.back();
      todo.pop_back();
      Result<std::vector<ListGraph>> lists = std::move(places_[expr].lists);
      if (!AreAllPossible(*lists, known)) lists = Lists(expr, known);
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
      PlannedValue kept = std::move(places_[expr].scalars);
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
    Result<Dfa> texts = CanonicalTexts(*places_[expr].shape);
    if (!texts) return At(expr, texts.error());
    value.canonical = *std::move(texts);
    value.needs_canonical = true;
    return std::nullopt;
  }

  Document& document_;
  mutable Expander expander_;
  Plan plan_;
  std::unordered_map<Expr, Place> places_;
  std::vector<Expr> order_;  // in which the places were found
  std::unordered_set<Expr> possible_;
};

Result<Plan> Plan::Make(Document* document) { return Planner(document).Run(); }

}  // namespace sentiric::grammar
