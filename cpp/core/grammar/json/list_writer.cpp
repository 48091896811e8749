// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/list_writer.h"

#include <algorithm>
#include <string>

#include "core/grammar/json/byte_dfa.h"
#include "core/grammar/json/spelled_writer.h"
#include "core/grammar/plain/dfa_writer.h"
#include "core/grammar/plan/canonical_texts.h"
#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {
namespace {

constexpr std::uint32_t kMembers = 0;  // the counter

Error NotDistinct() {
  return {ErrorCode::kInvalidGrammar, "",
          "the model's format of calls cannot enforce uniqueItems; leave it out"};
}

}  // namespace

ListWriter::ListWriter(const Plan& plan, const ListGraph& graph, Sub space,
                       const ListNotation& notation, ProgramWriter* program)
    : plan_(plan), graph_(graph), space_(space), notation_(notation), program_(*program) {}

Pc ListWriter::Write(Pc next) {
  end_ = program_.Text(graph_.is_object ? notation_.object_end : notation_.array_end, next);
  FindFirst();
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    later_.push_back(program_.Reserve());
    first_.push_back(program_.Reserve());
  }
  for (std::uint32_t i = 0; i < graph_.nodes.size() && !program_.Full(); ++i) {
    program_.Bind(later_[i], Node(i, false));
    if (is_first_[i]) program_.Bind(first_[i], Node(i, true));
  }
  return program_.Text(graph_.is_object ? notation_.object_begin : notation_.array_begin,
                       Spaced(first_[0]));
}

// Edges lead to later nodes.
void ListWriter::FindFirst() {
  is_first_.resize(graph_.nodes.size());
  is_first_[0] = true;
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    for (const ListEdge& edge : graph_.nodes[i].edges) {
      if (is_first_[i] && edge.slot == kNoSlot) is_first_[edge.target] = true;
    }
  }
}

// What may come at a node.
Pc ListWriter::Node(std::uint32_t node, bool is_first) {
  std::vector<Pc> ways;
  for (const ListEdge& edge : graph_.nodes[node].edges) ways.push_back(Way(edge, is_first));
  if (graph_.nodes[node].can_end) ways.push_back(End(graph_.nodes[node], is_first));
  return program_.Split(std::move(ways));
}

Pc ListWriter::Way(const ListEdge& edge, bool is_first) {
  if (edge.slot == kNoSlot) {
    return Checked(edge.count, false, is_first ? first_[edge.target] : later_[edge.target]);
  }
  const Pc member = Member(edge.slot, edge.target);
  return Checked(edge.count, true,
                 is_first ? member : program_.Text(notation_.separator, Spaced(member)));
}

Pc ListWriter::End(const ListNode& node, bool is_first) {
  return Checked(node.end_count, false, is_first ? end_ : Spaced(end_));
}

Pc ListWriter::Checked(LengthWindow count, bool adds, Pc next) {
  if (!graph_.is_counted) return next;
  if (adds) {
    const bool is_bounded = count.max != kUnlimited;
    next = program_.Count(kMembers, is_bounded ? count.max + 1 : count.max, next);
  }
  return count.min > 0 ? program_.AtLeast(kMembers, count.min, next) : next;
}

Pc ListWriter::Member(std::uint32_t slot, std::uint32_t target) {
  const auto added = members_.emplace(std::make_pair(slot, target), kReturnPc);
  if (added.second) added.first->second = WriteMember(graph_.slots[slot], later_[target]);
  return added.first->second;
}

Pc ListWriter::WriteMember(const Slot& slot, Pc next) {
  if (status_) return next;
  if (!graph_.is_object && graph_.is_distinct) {
    if (!notation_.is_spelled) status_ = NotDistinct();
    return RecordedItem(plan_.at(slot.value).canonical, next);
  }
  const Pc value = notation_.value(slot, next);
  if (!graph_.is_object) return value;
  return WriteName(slot, program_.Text(notation_.colon, Spaced(value)));
}

Pc ListWriter::WriteName(const Slot& slot, Pc next) {
  const std::string& end = notation_.name_end;
  if (!slot.name) {
    return program_.Text(notation_.name_begin, notation_.is_spelled
                                                   ? RecordedName(slot.names, next)
                                                   : RecordedPlainName(slot.names, next));
  }
  if (notation_.is_spelled)
    return program_.Text(notation_.name_begin + SpelledText(*slot.name) + end, next);
  if (slot.name->find(end) != std::string::npos) {
    status_ =
        Error{ErrorCode::kInvalidGrammar, "",
              "the model's format of calls cannot write a name that contains \"" + end + "\""};
  }
  return program_.Text(notation_.name_begin + *slot.name + end, next);
}

// The closing mark belongs to what is recorded: only it can complete a name that is there.
Pc ListWriter::RecordedName(const Dfa& names, Pc next) {
  const std::vector<std::uint32_t> counts = WordCounts(names);
  const bool is_countless =
      std::all_of(counts.begin(), counts.end(), [](auto count) { return count == kCountless; });
  if (!is_countless) return RecordedFew(SpelledTexts(names), next);
  return program_.KeyBegin(WriteSpelled(names, program_.KeyEnd(next), &program_));
}

Pc ListWriter::RecordedPlainName(const Dfa& names, Pc next) {
  const Result<Dfa> ended = Concatenation(names, Dfa::Of({notation_.name_end}));
  if (ended) {
    const std::size_t edges = WorkBudget::EdgesOfPattern(*ended);
    status_ = plan_.work().Spend(WorkBudget::kEdge * edges);
  } else {
    status_ = ended.error();
  }
  if (status_) return next;
  if (!IsCountless(*ended)) return RecordedFew(*ended, next);
  return program_.KeyBegin(WriteUtf8(*ended, program_.KeyEnd(next), &program_));
}

Pc ListWriter::RecordedItem(const Dfa& texts, Pc next) {
  if (!IsCountless(texts)) return RecordedFew(texts, next);
  return program_.KeyBegin(WriteUtf8(texts, program_.KeyEnd(next), &program_));
}

// Where only a few texts can follow, each byte needs to know how many.
Pc ListWriter::RecordedFew(const Dfa& texts, Pc next) {
  const Pc end = program_.KeyEnd(next);
  const Result<Dfa> bytes = Utf8Bytes(texts);
  if (!bytes) {
    status_ = bytes.error();
    return next;
  }
  const std::vector<std::uint32_t> counts = WordCounts(*bytes);
  std::vector<Pc> states;
  for (DfaState state = 0; state < bytes->size(); ++state) states.push_back(program_.Reserve());
  for (DfaState state = 0; state < bytes->size() && !program_.Full(); ++state) {
    std::vector<Edge> edges;
    for (const DfaEdge& edge : bytes->edges(state)) {
      edges.push_back({static_cast<std::uint8_t>(edge.range.first),
                       static_cast<std::uint8_t>(edge.range.last), states[edge.target]});
    }
    std::vector<Pc> ways = {program_.Bytes(std::move(edges))};
    if (bytes->accepts(state)) ways.push_back(end);
    Pc entry = program_.Split(std::move(ways));
    if (counts[state] != kCountless) entry = program_.KeyRoom(counts[state], entry);
    program_.Bind(states[state], entry);
  }
  return program_.KeyBegin(states[Dfa::start()]);
}

// Whether infinitely many texts can follow everywhere but at an end.
bool ListWriter::IsCountless(const Dfa& texts) {
  const std::vector<std::uint32_t> counts = WordCounts(texts);
  for (DfaState state = 0; state < texts.size(); ++state) {
    if (counts[state] != kCountless && texts.edges(state).size() > 0) return false;
  }
  return true;
}

}  // namespace sentiric::grammar
