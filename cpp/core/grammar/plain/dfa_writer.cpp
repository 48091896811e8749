// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plain/dfa_writer.h"

#include <map>
#include <utility>

namespace sentiric::grammar {
namespace {

constexpr std::uint32_t kCharacters = 0;  // the counter

std::map<DfaState, std::vector<CodeRange>> ByTarget(const Dfa& texts, DfaState state) {
  std::map<DfaState, std::vector<CodeRange>> ranges;
  for (const DfaEdge& edge : texts.edges(state)) ranges[edge.target].push_back(edge.range);
  return ranges;
}

// Checks come before the character that they are about, so that none is begun in vain.
Pc Checked(LengthWindow enter, Pc next, ProgramWriter* program) {
  const Pc counted = program->Count(kCharacters, enter.max, next);
  return enter.min > 1 ? program->AtLeast(kCharacters, enter.min - 1, counted) : counted;
}

}  // namespace

Pc WriteTexts(const CountedDfa& counted, const CharWriter& character, Pc next,
              ProgramWriter* program) {
  const Dfa& texts = counted.texts;
  const bool is_counted = counted.HasTests();
  std::vector<Pc> states;
  for (DfaState state = 0; state < texts.size(); ++state) states.push_back(program->Reserve());
  for (DfaState state = 0; state < texts.size() && !program->Full(); ++state) {
    std::vector<Pc> ways;
    for (const auto& [target, ranges] : ByTarget(texts, state)) {
      const Pc way = character(ranges, states[target]);
      ways.push_back(is_counted ? Checked(counted.enter[target], way, program) : way);
    }
    if (texts.accepts(state)) {
      const std::uint32_t min = is_counted ? counted.accept_min[state] : 0;
      ways.push_back(min > 0 ? program->AtLeast(kCharacters, min, next) : next);
    }
    program->Bind(states[state], program->Split(std::move(ways)));
  }
  return states[Dfa::start()];
}

Pc WriteUtf8(const CountedDfa& texts, Pc next, ProgramWriter* program) {
  const CharWriter character = [program](const std::vector<CodeRange>& ranges, Pc target) {
    return program->Chars(ranges, target);
  };
  return WriteTexts(texts, character, next, program);
}

Pc WriteUtf8(const Dfa& texts, Pc next, ProgramWriter* program) {
  CountedDfa counted;
  counted.texts = texts;
  counted.enter.resize(texts.size());
  counted.accept_min.resize(texts.size());
  return WriteUtf8(counted, next, program);
}

}  // namespace sentiric::grammar
