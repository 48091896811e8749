// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plain/compile_plain.h"

#include <utility>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/plain/dfa_writer.h"
#include "core/grammar/regular/pattern/compile_pattern.h"

namespace sentiric::grammar {
namespace {

Result<std::shared_ptr<const Grammar>> CompileTexts(const TextSet& texts, const char* where) {
  if (IsEmpty(texts)) return Error{ErrorCode::kInvalidGrammar, where, "no text is allowed"};
  Result<CountedDfa> counted = Counted(texts);
  if (!counted) return Error{ErrorCode::kInvalidGrammar, where, counted.error().what};
  ProgramWriter program;
  const Sub root = program.NewSub();
  program.SetEntry(root, WriteUtf8(*counted, kReturnPc, &program), Contains(texts, ""));
  Result<Program> finished = program.Finish(root);
  if (!finished) return Error{ErrorCode::kInvalidGrammar, where, finished.error().what};
  return std::shared_ptr<const Grammar>(std::make_shared<Grammar>(*std::move(finished)));
}

}  // namespace

Result<std::shared_ptr<const Grammar>> CompileRegex(std::string_view pattern) {
  Result<TextSet> texts = RegexTexts(pattern);
  if (!texts) return Error{ErrorCode::kInvalidGrammar, "regex", texts.error().what};
  return CompileTexts(*texts, "regex");
}

Result<std::shared_ptr<const Grammar>> CompileChoice(const std::vector<std::string>& texts) {
  return CompileTexts({Dfa::Of(texts), {}}, "choice");
}

}  // namespace sentiric::grammar
