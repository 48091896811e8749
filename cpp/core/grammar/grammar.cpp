// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/grammar.h"

#include <string>
#include <utility>

#include "core/grammar/analysis.h"
#include "core/grammar/call_order.h"
#include "core/grammar/gbnf_parser.h"
#include "core/grammar/gbnf_scanner.h"
#include "core/grammar/program_builder.h"

namespace sentiric::grammar {

Grammar::Grammar(Program program, std::size_t max_memo_bytes)
    : program_(std::move(program)),
      max_memo_bytes_(max_memo_bytes),
      automaton_(std::make_shared<Automaton>(program_, max_memo_bytes)) {}

std::size_t Grammar::ByteSize() const { return program_.ByteSize() + automaton()->ByteSize(); }

std::shared_ptr<Automaton> Grammar::automaton() const {
  const MutexLock lock(&mutex_);
  return automaton_;
}

std::shared_ptr<Automaton> Grammar::FreshAutomaton() const {
  const MutexLock lock(&mutex_);
  if (automaton_->Full()) automaton_ = std::make_shared<Automaton>(program_, max_memo_bytes_);
  return automaton_;
}

Result<std::shared_ptr<const Grammar>> Compile(std::string_view gbnf, const Limits& limits) {
  Result<Ast> ast = ParseGbnf(gbnf, limits);
  if (!ast) return ast.error();
  const Facts facts = Analyse(*ast);
  if (!limits.strict) {
    if (Status error = RefuseEndlessRules(gbnf, *ast, facts, true)) return std::move(*error);
  }
  BuiltProgram built = BuildProgram(*ast, facts, !limits.strict);
  if (built.program.code.size() > limits.elements) {
    return GrammarError(gbnf, 0,
                        "grammar has too many elements; got " +
                            std::to_string(built.program.code.size()) + ", allowed " +
                            std::to_string(limits.elements));
  }
  if (Status error = OrderCalls(gbnf, *ast, limits, &built)) return std::move(*error);
  if (limits.strict) {
    if (Status error = RefuseEndlessRules(gbnf, *ast, facts, false)) return std::move(*error);
    if (Status error = RefuseEmptyRepetition(gbnf, *ast, facts)) return std::move(*error);
  }
  return std::shared_ptr<const Grammar>(std::make_shared<Grammar>(std::move(built.program)));
}

}  // namespace sentiric::grammar
