// SPDX-License-Identifier: AGPL-3.0-only
// The members of one object or the items of one array, as a graph: what may come first, what behind
// it, and where the list may end.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/length_window.h"
#include "core/grammar/schema/shape.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

inline constexpr std::uint32_t kNoSlot = UINT32_MAX;

// A member or an item. A member has a name, or one of `names`.
struct Slot {
  Expr value = kAnyValue;
  std::optional<std::string> name;
  Dfa names;
};

struct ListEdge {
  std::uint32_t slot = kNoSlot;  // kNoSlot: nothing is written
  std::uint32_t target = 0;
  LengthWindow count;  // it may be taken when so many were written before
};

struct ListNode {
  std::vector<ListEdge> edges;
  bool can_end = false;
  LengthWindow end_count;  // it may end when so many were written
};

struct ListGraph {
  std::vector<Slot> slots;
  std::vector<ListNode> nodes;  // the first one is the start; none: no list is possible
  bool is_object = false;
  bool is_distinct = false;  // members of slots with several names, or items, are all different
  bool is_counted = false;   // some window is more than [0, unlimited]

  bool IsPossible() const { return !nodes.empty(); }
};

// Whether a value of the expression can be written.
using IsPossible = std::function<bool(Expr)>;

// Errors: kInvalidGrammar without a place, when combinations of `contains` or of members that must
// be there are too many.
Result<ListGraph> ArrayGraph(const ArrayShape& array, const IsPossible& is_possible,
                             Expressions* expressions);
// names: further ones that can be written; null: all.
Result<ListGraph> ObjectGraph(const ObjectShape& object, const IsPossible& is_possible,
                              const Dfa* names, Expressions* expressions);

// Leaves only what is on a way to an end with a number of members in `size`, and sets the windows
// so that no other way can be begun.
void Finish(LengthWindow size, ListGraph* graph);

// Whether an end is reached when only these values are possible, whatever the windows say.
bool CanEnd(const ListGraph& graph, const IsPossible& is_possible);

}  // namespace sentiric::grammar
