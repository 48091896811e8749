// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/regular/text_set.h"
#include "core/grammar/schema/work_budget.h"
#include "core/grammar/structure/structure_node.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Writes a structure into a program. All that it compiles shares one budget of work. Recursion is
// as deep as the structure.
class StructureWriter {
 public:
  explicit StructureWriter(ProgramWriter* program)
      : StructureWriter(program, std::make_shared<WorkBudget>()) {}
  // Several may share a budget.
  StructureWriter(ProgramWriter* program, std::shared_ptr<WorkBudget> work)
      : program_(*program), work_(std::move(work)) {}

  // A subroutine for the whole. Takes what it needs out of `root`. Errors: kInvalidGrammar at the
  // place of the node, and behind a colon what the compiler of its schema adds:
  // "structure/choice/2/schema:/properties/age/minimum".
  Result<Sub> Run(StructureNode* root);

 private:
  struct Written {
    Pc entry = kReturnPc;
    bool nullable = false;  // it may write nothing
  };

  Result<Written> Write(StructureNode* node, Pc next);
  Result<Written> WriteNode(StructureNode* node, Pc next);
  Result<Written> WriteSequence(StructureNode* node, Pc next);
  Result<Written> WriteChoice(StructureNode* node, Pc next);
  Result<Written> WriteRepeat(StructureNode* node, Pc next);
  Result<Written> WriteLoop(StructureNode* node, Pc next);
  Result<Written> WriteSeparated(StructureNode* node, Pc next);
  Result<Written> WriteFree(const StructureNode& node, Pc next);
  Result<Written> WriteSchema(StructureNode* node, Pc next);
  Result<Written> WriteMarked(StructureNode* node, Pc next);
  Result<Written> WriteRaw(StructureNode* node, Pc next);
  Result<Written> WriteRegex(const StructureNode& node, Pc next);
  Result<Written> WriteGbnf(const StructureNode& node, Pc next);
  Result<Written> WriteTexts(const std::vector<TextSet>& sets, Pc next);
  Sub Space();
  // The texts without any of the parts; those of equal parts are built once.
  Result<Dfa> Without(const std::vector<std::string>& parts);
  Result<std::vector<TextSet>> RawTexts(StructureNode* node);
  Status Spend(const Dfa& texts) { return work_->Spend(WorkBudget::kEdge * texts.num_edges()); }

  ProgramWriter& program_;
  const std::shared_ptr<WorkBudget> work_;
  std::string where_ = "structure";
  std::optional<Sub> space_;  // between JSON tokens
  std::map<std::vector<std::string>, Dfa> without_;
};

}  // namespace sentiric::grammar
