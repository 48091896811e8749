// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf/compile_gbnf.h"

#include <string>
#include <utility>

#include "core/grammar/automaton/call_order.h"
#include "core/grammar/gbnf/analysis.h"
#include "core/grammar/gbnf/gbnf_parser.h"
#include "core/grammar/gbnf/gbnf_scanner.h"
#include "core/grammar/gbnf/program_builder.h"

namespace sentiric::grammar {
namespace {

Error ErrorOf(const CallProblem& problem, std::string_view gbnf, const Ast& ast,
              const Limits& limits, const BuiltProgram& built) {
  const std::string name = QuoteName(ast.rules[problem.sub].name);
  if (problem.kind == CallProblem::Kind::kLeftRecursion) {
    return GrammarError(gbnf, built.offsets[problem.pc],
                        "left recursion; got " + name +
                            ", which refers to itself before any character, allowed recursion "
                            "after at least one character");
  }
  const std::string limit = std::to_string(limits.chain);
  return GrammarError(gbnf, ast.rules[problem.sub].offset,
                      "too many rules are entered in a row before any character; got more than " +
                          limit + " from " + name + ", allowed " + limit);
}

}  // namespace

Result<std::shared_ptr<const Grammar>> CompileGbnf(std::string_view gbnf, const Limits& limits) {
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
  const auto num_rules = static_cast<std::uint32_t>(ast->rules.size());
  if (const auto problem = OrderCalls(num_rules, limits.chain, built.live, &built.program))
    return ErrorOf(*problem, gbnf, *ast, limits, built);
  if (limits.strict) {
    if (Status error = RefuseEndlessRules(gbnf, *ast, facts, false)) return std::move(*error);
    if (Status error = RefuseEmptyRepetition(gbnf, *ast, facts)) return std::move(*error);
  }
  return std::shared_ptr<const Grammar>(std::make_shared<Grammar>(std::move(built.program)));
}

}  // namespace sentiric::grammar
