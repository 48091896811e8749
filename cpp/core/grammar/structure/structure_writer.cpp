// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/structure/structure_writer.h"

#include <algorithm>
#include <utility>

#include "core/grammar/automaton/copy_program.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/grammar/json/member_writer.h"
#include "core/grammar/json/raw_texts.h"
#include "core/grammar/json/value_writer.h"
#include "core/grammar/plain/dfa_writer.h"
#include "core/grammar/plan/plan.h"
#include "core/grammar/reader/expander.h"
#include "core/grammar/regular/pattern/compile_pattern.h"
#include "core/grammar/regular/without_parts.h"

namespace sentiric::grammar {
namespace {

using Kind = StructureNode::Kind;

// What a pattern costs before its states are known, for each byte, and any node; in units
// of WorkBudget.
constexpr std::size_t kWorkOfPatternByte = 4;
constexpr std::size_t kWorkOfNode = 20;

Error Nothing() { return {ErrorCode::kInvalidGrammar, "", "no text is allowed"}; }

}  // namespace

Result<Sub> StructureWriter::Run(StructureNode* root) {
  const Sub sub = program_.NewSub();
  Result<Written> written = Write(root, kReturnPc);
  if (!written) return written.error();
  program_.SetEntry(sub, written->entry, written->nullable);
  return sub;
}

// Errors of a node have no place of a structure yet, those of a node within it do.
Result<StructureWriter::Written> StructureWriter::Write(StructureNode* node, Pc next) {
  const std::size_t size = where_.size();
  where_ += "/" + std::string(KindName(node->kind));
  const Status spent = work_->Spend(kWorkOfNode);
  Result<Written> written = spent ? Result<Written>(*spent) : WriteNode(node, next);
  if (!written) {
    Error error = written.error();
    constexpr std::string_view kSchemaPlace = "json_schema";
    if (error.where.rfind(kSchemaPlace, 0) == 0) {
      error.where.replace(0, kSchemaPlace.size(), where_);
    } else if (error.where.rfind("structure", 0) != 0) {
      error.where = where_;
    }
    return error;
  }
  where_.resize(size);
  return written;
}

Result<StructureWriter::Written> StructureWriter::WriteNode(StructureNode* node, Pc next) {
  switch (node->kind) {
    case Kind::kText: return Written{program_.Text(node->text, next), node->text.empty()};
    case Kind::kSequence: return WriteSequence(node, next);
    case Kind::kChoice: return WriteChoice(node, next);
    case Kind::kRepeat: return WriteRepeat(node, next);
    case Kind::kFree: return WriteFree(*node, next);
    case Kind::kSchema: return WriteSchema(node, next);
    case Kind::kMembers: return WriteMarked(node, next);
    case Kind::kRaw: return WriteRaw(node, next);
    case Kind::kRegex: return WriteRegex(*node, next);
    case Kind::kGbnf: break;
  }
  return WriteGbnf(*node, next);
}

Result<StructureWriter::Written> StructureWriter::WriteSequence(StructureNode* node, Pc next) {
  const std::size_t size = where_.size();
  Written all{next, true};
  for (std::size_t i = node->children.size(); i-- > 0;) {
    where_ += "/" + std::to_string(i);
    Result<Written> child = Write(&node->children[i], all.entry);
    if (!child) return child.error();
    where_.resize(size);
    all = {child->entry, all.nullable && child->nullable};
  }
  return all;
}

Result<StructureWriter::Written> StructureWriter::WriteChoice(StructureNode* node, Pc next) {
  const std::size_t size = where_.size();
  std::vector<Pc> ways;
  bool nullable = false;
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    where_ += "/" + std::to_string(i);
    Result<Written> child = Write(&node->children[i], next);
    if (!child) return child.error();
    where_.resize(size);
    ways.push_back(child->entry);
    nullable = nullable || child->nullable;
  }
  return Written{program_.Split(std::move(ways)), nullable};
}

Result<StructureWriter::Written> StructureWriter::WriteRepeat(StructureNode* node, Pc next) {
  const LengthWindow times = node->times;
  if (times.max == kUnlimited && times.min <= 1) return WriteLoop(node, next);
  if (!node->text.empty()) return WriteSeparated(node, next);
  const Sub body = program_.NewSub();
  Result<Written> child = Write(&node->children[0], kReturnPc);
  if (!child) return child.error();
  if (times.max == 0) return Written{next, true};
  program_.SetEntry(body, child->entry, child->nullable);
  const std::uint32_t min = child->nullable ? 0 : times.min;
  // The count is that of a run, so each repetition is a subroutine.
  const Sub all = program_.NewSub();
  const bool nullable = min == 0;
  program_.SetEntry(all, program_.Repeat({body, min, times.max}, kReturnPc), nullable);
  return Written{program_.Call(all, next), nullable};
}

// Without a count.
Result<StructureWriter::Written> StructureWriter::WriteLoop(StructureNode* node, Pc next) {
  const Pc behind = program_.Reserve();
  Result<Written> child = Write(&node->children[0], behind);
  if (!child) return child.error();
  program_.Bind(behind, program_.Split({next, program_.Text(node->text, child->entry)}));
  const bool nullable = node->times.min == 0 || child->nullable;
  if (node->times.min > 0) return Written{child->entry, nullable};
  return Written{program_.Split({next, child->entry}), nullable};
}

// The child, then the text and the child again, a bounded number of times.
Result<StructureWriter::Written> StructureWriter::WriteSeparated(StructureNode* node, Pc next) {
  const LengthWindow times = node->times;
  const Sub body = program_.NewSub();
  Result<Written> child = Write(&node->children[0], kReturnPc);
  if (!child) return child.error();
  if (times.max == 0) return Written{next, true};
  program_.SetEntry(body, child->entry, child->nullable);
  if (times.max == 1) {
    const Pc once = program_.Call(body, next);
    if (times.min > 0) return Written{once, child->nullable};
    return Written{program_.Split({next, once}), true};
  }
  const Sub again = program_.NewSub();
  program_.SetEntry(again, program_.Text(node->text, program_.Call(body, kReturnPc)), false);
  const std::uint32_t min = times.min > 0 ? times.min - 1 : 0;
  const std::uint32_t max = times.max == kUnlimited ? kUnlimited : times.max - 1;
  const Sub rest = program_.NewSub();
  program_.SetEntry(rest, program_.Repeat({again, min, max}, kReturnPc), min == 0);
  const Pc all = program_.Call(body, program_.Call(rest, next));
  const bool nullable = child->nullable && min == 0;
  if (times.min > 0) return Written{all, nullable};
  return Written{program_.Split({next, all}), true};
}

Result<StructureWriter::Written> StructureWriter::WriteFree(const StructureNode& node, Pc next) {
  Result<Dfa> texts = Without(node.parts);
  if (!texts) return texts.error();
  if (Status error = Spend(*texts)) return std::move(*error);
  return Written{WriteUtf8(*texts, next, &program_), true};
}

Result<StructureWriter::Written> StructureWriter::WriteSchema(StructureNode* node, Pc next) {
  Result<std::unique_ptr<Document>> document = Document::Of(std::move(node->schema), work_);
  if (!document) return document.error();
  Result<Plan> plan = Plan::Make(document->get(), NamesOf(node->quote));
  if (!plan) return plan.error();
  ValueWriter values(*plan, Space(), node->quote, &program_);
  const Sub value = values.SubOf(plan->root());
  if (Status error = values.Finish()) return std::move(*error);
  return Written{program_.Call(value, next), false};
}

Result<StructureWriter::Written> StructureWriter::WriteMarked(StructureNode* node, Pc next) {
  Result<std::unique_ptr<Document>> document = Document::Of(std::move(node->schema), work_);
  if (!document) return document.error();
  Result<Plan> plan = Plan::Make(document->get(), NamesOf(node->members));
  if (!plan) return plan.error();
  Result<WrittenMembers> members = WriteMembers(*plan, node->members, Space(), &program_);
  if (!members) return members.error();
  return Written{program_.Call(members->sub, next), members->nullable};
}

Sub StructureWriter::Space() {
  if (!space_) space_ = WriteSpace(&program_);
  return *space_;
}

Result<std::vector<TextSet>> StructureWriter::RawTexts(StructureNode* node) {
  Result<Dfa> without = Without(node->parts);
  if (!without) return without.error();
  Result<std::unique_ptr<Document>> document = Document::Of(std::move(node->schema), work_);
  if (!document) return document.error();
  Expander expander(document->get());
  Result<const Shape*> shape =
      expander.Expand(expander.expressions()->Schema(&(*document)->root()));
  if (!shape) return Placed(shape.error(), **document, &(*document)->root(), "");
  std::vector<TextSet> sets;
  for (const TextSet& allowed : (*shape)->texts) {
    Result<TextSet> both = Within(allowed, *without, work_.get());
    if (!both) return both.error();
    if (!IsEmpty(*both)) sets.push_back(*std::move(both));
  }
  return sets;
}

Result<StructureWriter::Written> StructureWriter::WriteRaw(StructureNode* node, Pc next) {
  Result<std::vector<TextSet>> sets = RawTexts(node);
  if (!sets) return sets.error();
  return WriteTexts(*sets, next);
}

Result<StructureWriter::Written> StructureWriter::WriteRegex(const StructureNode& node, Pc next) {
  if (Status error = work_->Spend(kWorkOfPatternByte * node.text.size())) return std::move(*error);
  Result<TextSet> texts = RegexTexts(node.text);
  if (!texts) return texts.error();
  if (Status error = work_->Spend(WorkBudget::kEdge * WorkBudget::EdgesOfPattern(texts->texts)))
    return std::move(*error);
  return WriteTexts(IsEmpty(*texts) ? std::vector<TextSet>() : std::vector<TextSet>{*texts}, next);
}

Result<StructureWriter::Written> StructureWriter::WriteGbnf(const StructureNode& node, Pc next) {
  if (Status error = work_->Spend(kWorkOfPatternByte * node.text.size())) return std::move(*error);
  Result<std::shared_ptr<const Grammar>> grammar = CompileGbnf(node.text, Limits{});
  if (!grammar) return grammar.error();
  const Program& program = (*grammar)->program();
  const Sub sub = CopyProgram(program, &program_);
  return Written{program_.Call(sub, next), program.subs[program.root].nullable};
}

// One of the texts; the count of characters is that of a run, so each set is a subroutine.
Result<StructureWriter::Written> StructureWriter::WriteTexts(const std::vector<TextSet>& sets,
                                                             Pc next) {
  std::vector<Pc> ways;
  bool nullable = false;
  for (const TextSet& set : sets) {
    Result<CountedDfa> counted = Counted(set);
    if (!counted) return counted.error();
    if (Status error = Spend(counted->texts)) return std::move(*error);
    const bool is_empty_text = Contains(set, "");
    const Sub sub = program_.NewSub();
    program_.SetEntry(sub, WriteUtf8(*counted, kReturnPc, &program_), is_empty_text);
    ways.push_back(program_.Call(sub, next));
    nullable = nullable || is_empty_text;
  }
  if (ways.empty()) return Nothing();
  return Written{program_.Split(std::move(ways)), nullable};
}

Result<Dfa> StructureWriter::Without(const std::vector<std::string>& parts) {
  std::vector<std::string> key = parts;
  std::sort(key.begin(), key.end());
  const auto known = without_.find(key);
  if (known != without_.end()) return known->second;
  Result<Dfa> texts = TextsWithout(key);
  if (!texts) return texts;
  if (Status error = Spend(*texts)) return std::move(*error);
  without_.emplace(std::move(key), *texts);
  return texts;
}

}  // namespace sentiric::grammar
