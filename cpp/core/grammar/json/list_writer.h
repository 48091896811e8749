// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/json/list_notation.h"
#include "core/grammar/plan/list_graph.h"
#include "core/grammar/plan/plan.h"

namespace sentiric::grammar {

// Writes one object or array into the subroutine that is being written. Counts members in counter
// 0, which must be 0 before. Between values it allows what `space` matches.
class ListWriter {
 public:
  // All must outlive the writer.
  ListWriter(const Plan& plan, const ListGraph& graph, Sub space, const ListNotation& notation,
             ProgramWriter* program);

  // The whole list, then `next`.
  Pc Write(Pc next);
  // kInvalidGrammar when the names or items that must differ make too large an automaton or take
  // too much work, and when the notation cannot write a name.
  const Status& status() const { return status_; }

 private:
  Pc Spaced(Pc next) { return notation_.has_space ? program_.Call(space_, next) : next; }
  void FindFirst();
  Pc Node(std::uint32_t node, bool is_first);
  Pc Way(const ListEdge& edge, bool is_first);
  Pc End(const ListNode& node, bool is_first);
  Pc Checked(LengthWindow count, bool adds, Pc next);
  Pc Member(std::uint32_t slot, std::uint32_t target);
  Pc WriteMember(const Slot& slot, Pc next);
  Pc WriteName(const Slot& slot, Pc next);
  // A name or an item that this list does not have yet.
  Pc RecordedName(const Dfa& names, Pc next);
  Pc RecordedPlainName(const Dfa& names, Pc next);  // see PlainNames
  Pc RecordedItem(const Dfa& texts, Pc next);
  Pc RecordedFew(const Dfa& texts, Pc next);
  static bool IsCountless(const Dfa& texts);

  const Plan& plan_;
  const ListGraph& graph_;
  const Sub space_;
  const ListNotation& notation_;
  ProgramWriter& program_;
  Status status_;
  Pc end_ = kReturnPc;
  std::vector<bool> is_first_;  // by node: reached from the start without a member
  std::vector<Pc> first_;       // by node: there, before any member
  std::vector<Pc> later_;       // by node: behind a member
  std::map<std::pair<std::uint32_t, std::uint32_t>, Pc> members_;  // by slot and target
};

}  // namespace sentiric::grammar
