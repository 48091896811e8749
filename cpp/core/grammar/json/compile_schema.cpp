// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/compile_schema.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/json/list_writer.h"
#include "core/grammar/json/string_writer.h"
#include "core/grammar/plain/dfa_writer.h"
#include "core/grammar/plan/plan.h"
#include "core/grammar/schema/document.h"

namespace sentiric::grammar {
namespace {

constexpr int kMaxIndent = 20;

// Writes a subroutine for each place of the plan that the root leads to.
class ValueWriter {
 public:
  explicit ValueWriter(const Plan& plan) : plan_(plan) {}

  Result<Program> Run() {
    space_ = WriteSpace();
    const Sub root = SubOf(plan_.root());
    while (!todo_.empty() && !program_.Full()) {
      const Expr expr = todo_.back();
      todo_.pop_back();
      WriteValue(expr);
    }
    if (status_) return *status_;
    return program_.Finish(root);
  }

 private:
  Sub SubOf(Expr expr) {
    const auto added = subs_.emplace(expr, Sub{0});
    if (added.second) {
      added.first->second = program_.NewSub();
      todo_.push_back(expr);
    }
    return added.first->second;
  }

  // Nothing, a space, or one or two line breaks and an indent.
  Sub WriteSpace() {
    Pc indent = kReturnPc;
    for (int i = 0; i < kMaxIndent; ++i) {
      const Pc more = program_.Bytes({{'\t', '\t', indent}, {' ', ' ', indent}});
      indent = program_.Split({kReturnPc, more});
    }
    const Pc second = program_.Split({indent, program_.Text("\n", indent)});
    const Sub space = program_.NewSub();
    program_.SetEntry(
        space,
        program_.Split({kReturnPc, program_.Text(" ", kReturnPc), program_.Text("\n", second)}),
        true);
    return space;
  }

  void WriteValue(Expr expr) {
    const PlannedValue& value = plan_.at(expr);
    std::vector<Pc> ways;
    if (value.null) ways.push_back(program_.Text("null", kReturnPc));
    if (value.no) ways.push_back(program_.Text("false", kReturnPc));
    if (value.yes) ways.push_back(program_.Text("true", kReturnPc));
    if (!value.numbers.IsEmpty()) ways.push_back(WriteUtf8(value.numbers, kReturnPc, &program_));
    for (const CountedDfa& texts : value.texts)
      ways.push_back(JsonString(texts, kReturnPc, &program_));
    for (const ListGraph& list : value.lists) {
      const ListWriter::SubOf sub_of = [this](Expr inner) { return SubOf(inner); };
      ListWriter writer(plan_, list, space_, sub_of, &program_);
      ways.push_back(writer.Write(kReturnPc));
      if (writer.status()) status_ = writer.status();
    }
    program_.SetEntry(subs_[expr], program_.Split(std::move(ways)), false);
  }

  const Plan& plan_;
  ProgramWriter program_;
  Status status_;
  Sub space_ = 0;
  std::unordered_map<Expr, Sub> subs_;
  std::vector<Expr> todo_;
};

}  // namespace

Result<std::shared_ptr<const Grammar>> CompileSchema(std::string_view schema) {
  Result<std::unique_ptr<Document>> document = Document::Parse(schema);
  if (!document) return document.error();
  Result<Plan> plan = Plan::Make(document->get());
  if (!plan) return plan.error();
  Result<Program> program = ValueWriter(*plan).Run();
  if (!program) {
    Error error = program.error();
    error.where = "json_schema";
    return error;
  }
  return std::shared_ptr<const Grammar>(std::make_shared<Grammar>(*std::move(program)));
}

}  // namespace sentiric::grammar
