// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/places.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/grammar/number/number_texts.h"
#include "core/grammar/plan/unique_items.h"

namespace sentiric::grammar {
namespace {

// What each bound of a set of numbers, or number left out, costs in units of WorkBudget: readers
// may round to it in several ways.
constexpr std::size_t kWorkOfBound = 700;

bool AreAllPossible(const std::vector<ListGraph>& lists, const IsPossible& is_possible) {
  return std::all_of(lists.begin(), lists.end(), [&](const ListGraph& list) {
    return std::all_of(list.slots.begin(), list.slots.end(),
                       [&](const Slot& slot) { return is_possible(slot.value); });
  });
}

}  // namespace

Result<bool> Places::IsPossible(Expr expr) {
  if (places_.count(expr) == 0) {
    std::vector<Expr> found;
    if (Status error = Explore(expr, &found)) return std::move(*error);
    // Members were mostly found behind what holds them, so they come first and few rounds are
    // needed.
    std::reverse(found.begin(), found.end());
    if (Status error = FindPossible(std::move(found))) return std::move(*error);
  }
  return possible_.count(expr) > 0;
}

// Every place that lists can lead to if all values were possible. After an error there is none.
Status Places::Explore(Expr root, std::vector<Expr>* found) {
  std::vector<Expr> todo = {root};
  places_[root];
  while (!todo.empty()) {
    const Expr expr = todo.back();
    todo.pop_back();
    found->push_back(expr);
    if (Status error = ExploreOne(expr, &todo)) {
      for (Expr place : *found) places_.erase(place);
      for (Expr place : todo) places_.erase(place);
      return error;
    }
  }
  return std::nullopt;
}

Status Places::ExploreOne(Expr expr, std::vector<Expr>* todo) {
  if (Status error = Describe(expr)) return error;
  Result<std::vector<ListGraph>> lists = Lists(expr, [](Expr any) { return any != kNoValue; });
  if (!lists) return lists.error();
  for (const ListGraph& list : *lists) {
    for (const Slot& slot : list.slots) {
      if (places_.emplace(slot.value, Place{}).second) todo->push_back(slot.value);
    }
  }
  places_[expr].lists = *std::move(lists);
  return std::nullopt;
}

Status Places::Describe(Expr expr) {
  Result<const Shape*> shape = expander_.Expand(expr);
  if (!shape) return At(expr, shape.error());
  PlannedValue scalars;
  scalars.null = (*shape)->null;
  scalars.no = (*shape)->no;
  scalars.yes = (*shape)->yes;
  const std::size_t num_bounds = (*shape)->numbers.pieces().breaks.size();
  if (Status error = expressions()->Spend(kWorkOfBound * num_bounds))
    return At(expr, *std::move(error));
  Result<Dfa> numbers = NumberTexts((*shape)->numbers);
  if (!numbers) return At(expr, numbers.error());
  scalars.numbers = *std::move(numbers);
  if (Status error = expressions()->Spend(WorkBudget::kEdge * scalars.numbers.num_edges()))
    return At(expr, *std::move(error));
  for (const TextSet& texts : (*shape)->texts) {
    Result<CountedDfa> counted = Counted(texts);
    if (!counted) return At(expr, counted.error());
    if (counted->texts.IsEmpty()) continue;
    scalars.texts.push_back(*std::move(counted));
    scalars.text_sets.push_back(texts);
  }
  places_[expr].shape = *shape;
  places_[expr].scalars = std::move(scalars);
  return std::nullopt;
}

Error Places::At(Expr expr, Error error) {
  while (expressions()->at(expr).value == nullptr && !expressions()->at(expr).operands.empty())
    expr = expressions()->at(expr).operands[0];
  const JsonValue* schema = expressions()->at(expr).value;
  return Placed(std::move(error), document_, schema == nullptr ? &document_.root() : schema, "");
}

Result<std::vector<ListGraph>> Places::Lists(Expr expr, const Test& is_possible, const Dfa* names) {
  const Shape& shape = *places_[expr].shape;
  std::vector<ListGraph> lists;
  for (const ArrayShape& array : shape.arrays) {
    Result<ArrayShape> bounded = WithUniqueRoom(array, expressions(), &expander_);
    if (!bounded) return Placed(bounded.error(), document_, array.unique_by, "uniqueItems");
    auto graph = ArrayGraph(*bounded, is_possible, expressions());
    if (!graph) return At(expr, graph.error());
    if (Status error = Charge(*graph)) return At(expr, *std::move(error));
    if (graph->IsPossible()) lists.push_back(*std::move(graph));
  }
  for (const ObjectShape& object : shape.objects) {
    auto graph = ObjectGraph(object, is_possible, names, expressions());
    if (!graph) return At(expr, graph.error());
    if (Status error = Charge(*graph)) return At(expr, *std::move(error));
    if (graph->IsPossible()) lists.push_back(*std::move(graph));
  }
  return lists;
}

// A value is possible when it has no members, or when all of them are possible.
Status Places::FindPossible(std::vector<Expr> open) {
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
Result<bool> Places::IsPossibleNow(Expr expr) {
  const Place& place = places_[expr];
  if (place.scalars.HasScalars()) return true;
  const Test known = Known();
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

Result<std::vector<ListGraph>> Places::TakeLists(Expr expr) {
  std::vector<ListGraph> lists = std::move(places_[expr].lists);
  if (AreAllPossible(lists, Known())) return lists;
  return Lists(expr, Known());
}

}  // namespace sentiric::grammar
