// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/structure/compile_structure.h"

#include <memory>
#include <utility>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/schema/work_budget.h"
#include "core/grammar/structure/structure_reader.h"
#include "core/grammar/structure/structure_writer.h"

namespace sentiric::grammar {

Result<std::shared_ptr<const Grammar>> CompileStructure(std::string_view text) {
  Result<StructureNode> root = ReadStructure(text);
  if (!root) return root.error();
  ProgramWriter writer;
  Result<Sub> sub = StructureWriter(&writer).Run(&*root);
  if (!sub) return sub.error();
  Result<Program> program = writer.Finish(*sub);
  if (!program) return Error{ErrorCode::kInvalidGrammar, "structure", program.error().what};
  return std::shared_ptr<const Grammar>(std::make_shared<Grammar>(*std::move(program)));
}

namespace {

constexpr std::size_t kWorkOfProblem = WorkBudget::kMax / 32;

std::string ProblemOf(std::string_view text, const std::shared_ptr<WorkBudget>& work) {
  Result<StructureNode> root = ReadStructure(text);
  if (!root) return root.error().Message();
  ProgramWriter writer;
  Result<Sub> sub = StructureWriter(&writer, work).Run(&*root);
  if (!sub) return sub.error().Message();
  Result<Program> program = writer.Finish(*sub);
  return program ? "" : program.error().Message();
}

}  // namespace

std::vector<std::string> CheckStructures(const std::vector<std::string>& texts) {
  const auto work = std::make_shared<WorkBudget>();
  std::vector<std::string> problems;
  problems.reserve(texts.size());
  for (const std::string& text : texts) {
    // A refused pattern has not said what it cost until then.
    if (!problems.empty() && !problems.back().empty()) (void)work->Spend(kWorkOfProblem);
    if (Status used_up = work->Spend(0)) {
      problems.push_back(used_up->Message());
    } else {
      problems.push_back(ProblemOf(text, work));
    }
  }
  return problems;
}

}  // namespace sentiric::grammar
