// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/member_writer.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/grammar/json/list_writer.h"
#include "core/grammar/json/raw_texts.h"
#include "core/grammar/json/value_writer.h"
#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/pattern/compile_pattern.h"
#include "core/grammar/regular/without_parts.h"

namespace sentiric::grammar {
namespace {

// What a reader takes for JSON.
constexpr const char* kLooksLikeJson = "([\\[{\"]|-?[0-9])[^]*|true|false|null";

std::string CommonBeginning(const std::string& a, const std::string& b) {
  const std::size_t size = std::min(a.size(), b.size());
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(size);
  return {a.begin(), std::mismatch(a.begin(), end, b.begin()).first};
}

class MemberWriter {
 public:
  MemberWriter(const Plan& plan, const MemberNotation& notation, Sub space, ProgramWriter* program)
      : plan_(plan),
        marks_(notation),
        space_(space),
        program_(*program),
        values_(plan, space, program) {}

  Result<WrittenMembers> Run() {
    Result<Dfa> without_end = TextsWithout({marks_.end});
    if (!without_end) return without_end.error();
    Result<TextSet> json = RegexTexts(kLooksLikeJson);
    if (!json) return json.error();
    Result<Dfa> unlike_json = Difference(*without_end, json->texts);
    if (!unlike_json) return unlike_json.error();
    for (const Dfa* texts : {&*without_end, &json->texts, &*unlike_json}) {
      const std::size_t edges = WorkBudget::EdgesOfPattern(*texts);
      if (Status error = plan_.work().Spend(WorkBudget::kEdge * edges)) return std::move(*error);
    }
    without_end_ = *std::move(without_end);
    unlike_json_ = *std::move(unlike_json);
    SetNotation();
    const Sub root = program_.NewSub();
    std::vector<Pc> ways;
    for (const ListGraph& list : plan_.lists_of_root()) {
      if (!list.is_object) continue;
      ListWriter writer(plan_, list, space_, notation_, &program_);
      ways.push_back(writer.Write(kReturnPc));
      if (writer.status()) status_ = writer.status();
      is_empty_allowed_ = is_empty_allowed_ || CanBeEmpty(list);
    }
    if (ways.empty() && !status_) status_ = NotWritable();
    program_.SetEntry(root, program_.Split(std::move(ways)), is_empty_allowed_);
    if (status_) return std::move(*status_);
    if (Status error = values_.Finish()) return std::move(*error);
    return WrittenMembers{root, is_empty_allowed_};
  }

 private:
  void SetNotation() {
    notation_.object_begin.clear();
    notation_.object_end.clear();
    notation_.separator.clear();
    notation_.has_space = false;
    notation_.colon.clear();
    notation_.is_spelled = false;
    notation_.name_begin = marks_.begin;
    notation_.name_end = NamesOf(marks_).end;
    notation_.value = [this](const Slot& slot, Pc next) { return Value(slot, next); };
  }

  // Nodes that are reached without a member.
  static bool CanBeEmpty(const ListGraph& list) {
    std::vector<bool> reached(list.nodes.size());
    reached[0] = true;
    for (std::size_t i = 0; i < list.nodes.size(); ++i) {
      if (!reached[i]) continue;
      if (list.nodes[i].can_end && list.nodes[i].end_count.Contains(0)) return true;
      for (const ListEdge& edge : list.nodes[i].edges) {
        if (edge.slot == kNoSlot && edge.count.Contains(0)) reached[edge.target] = true;
      }
    }
    return false;
  }

  // What follows the common beginning of the ends of keys.
  Pc Value(const Slot& slot, Pc next) {
    const Pc end = program_.Text(marks_.end + marks_.after, next);
    const bool is_raw = slot.name && marks_.raw.count(*slot.name) > 0;
    const bool are_told_apart = marks_.raw_key_end != marks_.json_key_end;
    std::vector<Pc> ways;
    for (Sub text : RawTexts(slot.value, is_raw || are_told_apart))
      ways.push_back(program_.Text(Rest(marks_.raw_key_end), program_.Call(text, end)));
    if (!is_raw) {
      const Pc json = program_.Call(values_.SubOf(slot.value), end);
      ways.push_back(program_.Text(Rest(marks_.json_key_end), json));
    }
    if (ways.empty() && !status_) status_ = NotWritable();
    return program_.Split(std::move(ways));
  }

  // Written once, however many members have the value; none after an error.
  std::vector<Sub> RawTexts(Expr value, bool may_look_like_json) {
    if (status_) return {};
    const auto [known, is_new] = raw_texts_.try_emplace({value, may_look_like_json});
    if (!is_new) return known->second;
    Result<std::vector<Sub>> texts =
        WriteRawTexts(plan_.at(value), may_look_like_json ? without_end_ : unlike_json_,
                      &plan_.work(), &program_);
    if (!texts) {
      status_ = texts.error();
      return {};
    }
    return known->second = *std::move(texts);
  }

  std::string Rest(const std::string& key_end) const {
    return key_end.substr(notation_.name_end.size());
  }

  const Plan& plan_;
  const MemberNotation& marks_;
  const Sub space_;
  ProgramWriter& program_;
  ValueWriter values_;
  ListNotation notation_;
  Dfa without_end_;
  Dfa unlike_json_;
  std::map<std::pair<Expr, bool>, std::vector<Sub>> raw_texts_;
  bool is_empty_allowed_ = false;
  Status status_;
};

}  // namespace

PlainNames NamesOf(const MemberNotation& notation) {
  return {CommonBeginning(notation.raw_key_end, notation.json_key_end), true};
}

Result<WrittenMembers> WriteMembers(const Plan& plan, const MemberNotation& notation, Sub space,
                                    ProgramWriter* program) {
  return MemberWriter(plan, notation, space, program).Run();
}

}  // namespace sentiric::grammar
