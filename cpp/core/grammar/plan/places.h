// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/grammar/plan/planned_value.h"
#include "core/grammar/reader/expander.h"
#include "core/grammar/schema/document.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// The places for values that expressions lead to, and which of them have a value. One thread at a
// time. Errors of all: kInvalidGrammar at a place of the document.
class Places {
 public:
  // `document` must outlive it.
  explicit Places(Document* document) : document_(*document), expander_(document) {}

  Expressions* expressions() { return expander_.expressions(); }

  // Whether the expression has a finite value. May be asked of any number of expressions.
  Result<bool> IsPossible(Expr expr);

  // Of a possible expression, without what cannot be finished. Both at most once.
  Result<std::vector<ListGraph>> TakeLists(Expr expr);
  PlannedValue TakeScalars(Expr expr) { return std::move(places_[expr].scalars); }
  // The same, of which further names of members are only these. Any number of times.
  Result<std::vector<ListGraph>> ListsNamed(Expr expr, const Dfa& names) {
    return Lists(expr, Known(), &names);
  }
  const Shape& ShapeOf(Expr expr) { return *places_[expr].shape; }

  // The error at the schema that the expression is made of first, if it has no place.
  Error At(Expr expr, Error error);

 private:
  struct Place {
    const Shape* shape = nullptr;
    PlannedValue scalars;          // without lists
    std::vector<ListGraph> lists;  // if all values were possible
  };
  using Test = grammar::IsPossible;

  Status Explore(Expr root, std::vector<Expr>* found);
  Status ExploreOne(Expr expr, std::vector<Expr>* todo);
  Status Describe(Expr expr);
  Result<std::vector<ListGraph>> Lists(Expr expr, const Test& is_possible,
                                       const Dfa* names = nullptr);
  Status Charge(const ListGraph& graph) {
    return expressions()->Spend(1 + graph.nodes.size() + graph.slots.size());
  }
  Status FindPossible(std::vector<Expr> open);
  Result<bool> IsPossibleNow(Expr expr);
  Test Known() const {
    return [this](Expr expr) { return possible_.count(expr) > 0; };
  }

  Document& document_;
  Expander expander_;
  std::unordered_map<Expr, Place> places_;
  std::unordered_set<Expr> possible_;
};

}  // namespace sentiric::grammar
