// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/value_writer.h"

#include <utility>

#include "core/grammar/json/list_writer.h"
#include "core/grammar/json/raw_texts.h"
#include "core/grammar/json/string_writer.h"
#include "core/grammar/plain/dfa_writer.h"
#include "core/grammar/regular/without_parts.h"

namespace sentiric::grammar {
namespace {

constexpr int kMaxIndent = 20;
constexpr const char* kPlainNameEnd = ":";

}  // namespace

Sub WriteSpace(ProgramWriter* program) {
  Pc indent = kReturnPc;
  for (int i = 0; i < kMaxIndent; ++i) {
    const Pc more = program->Bytes({{'\t', '\t', indent}, {' ', ' ', indent}});
    indent = program->Split({kReturnPc, more});
  }
  const Pc second = program->Split({indent, program->Text("\n", indent)});
  const Sub space = program->NewSub();
  program->SetEntry(
      space,
      program->Split({kReturnPc, program->Text(" ", kReturnPc), program->Text("\n", second)}),
      true);
  return space;
}

PlainNames NamesOf(const std::string& quote) { return {quote.empty() ? "" : kPlainNameEnd, false}; }

ValueWriter::ValueWriter(const Plan& plan, Sub space, ProgramWriter* program)
    : ValueWriter(plan, space, {}, program) {}

ValueWriter::ValueWriter(const Plan& plan, Sub space, std::string quote, ProgramWriter* program)
    : plan_(plan), space_(space), quote_(std::move(quote)), program_(*program) {
  notation_.value = [this](const Slot& slot, Pc next) {
    return program_.Call(SubOf(slot.value), next);
  };
  if (quote_.empty()) return;
  notation_.has_space = false;
  notation_.is_spelled = false;
  notation_.name_begin.clear();
  notation_.name_end = kPlainNameEnd;
  notation_.colon.clear();
}

Sub ValueWriter::SubOf(Expr expr) {
  const auto added = subs_.emplace(expr, Sub{0});
  if (added.second) {
    added.first->second = program_.NewSub();
    todo_.push_back(expr);
  }
  return added.first->second;
}

Status ValueWriter::Finish() {
  while (!todo_.empty() && !program_.Full() && !status_) {
    const Expr expr = todo_.back();
    todo_.pop_back();
    WriteValue(expr);
  }
  return status_;
}

void ValueWriter::WriteValue(Expr expr) {
  const PlannedValue& value = plan_.at(expr);
  std::vector<Pc> ways;
  if (value.null) ways.push_back(program_.Text("null", kReturnPc));
  if (value.no) ways.push_back(program_.Text("false", kReturnPc));
  if (value.yes) ways.push_back(program_.Text("true", kReturnPc));
  if (!value.numbers.IsEmpty()) ways.push_back(WriteUtf8(value.numbers, kReturnPc, &program_));
  WriteTexts(value, &ways);
  for (const ListGraph& list : value.lists) {
    ListWriter writer(plan_, list, space_, notation_, &program_);
    ways.push_back(writer.Write(kReturnPc));
    if (writer.status()) status_ = writer.status();
  }
  if (ways.empty() && !status_) status_ = NotWritable();
  program_.SetEntry(subs_[expr], program_.Split(std::move(ways)), false);
}

void ValueWriter::WriteTexts(const PlannedValue& value, std::vector<Pc>* ways) {
  if (quote_.empty()) {
    for (const CountedDfa& texts : value.texts)
      ways->push_back(JsonString(texts, kReturnPc, &program_));
    return;
  }
  if (value.text_sets.empty()) return;
  if (!unquoted_) {
    Result<Dfa> allowed = TextsWithout({quote_});
    if (!allowed) {
      status_ = allowed.error();
      return;
    }
    unquoted_ = *std::move(allowed);
  }
  Result<std::vector<Sub>> raw = WriteRawTexts(value, *unquoted_, &plan_.work(), &program_);
  if (!raw) {
    status_ = raw.error();
    return;
  }
  const Pc end = program_.Text(quote_, kReturnPc);
  for (Sub text : *raw) ways->push_back(program_.Text(quote_, program_.Call(text, end)));
}

}  // namespace sentiric::grammar
