// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/compile_schema.h"

#include <utility>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/json/value_writer.h"
#include "core/grammar/plan/plan.h"
#include "core/grammar/schema/document.h"

namespace sentiric::grammar {
Result<std::shared_ptr<const Grammar>> CompileSchema(std::string_view schema) {
  Result<std::unique_ptr<Document>> document = Document::Parse(schema);
  if (!document) return document.error();
  Result<Plan> plan = Plan::Make(document->get());
  if (!plan) return plan.error();
  ProgramWriter writer;
  ValueWriter values(*plan, WriteSpace(&writer), &writer);
  const Sub root = values.SubOf(plan->root());
  Status error = values.Finish();
  Result<Program> program = error ? *std::move(error) : writer.Finish(root);
  if (!program) return Error{ErrorCode::kInvalidGrammar, "json_schema", program.error().what};
  return std::shared_ptr<const Grammar>(std::make_shared<Grammar>(*std::move(program)));
}

}  // namespace sentiric::grammar
