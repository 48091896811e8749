// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plain/dfa_writer.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {
namespace {

constexpr std::uint32_t kCharacters = 0;  // the counter

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
  const auto by_target = [](const DfaEdge& x, const DfaEdge& y) {
    return x.target != y.target ? x.target < y.target : x.range < y.range;
  };
  std::vector<DfaEdge> edges;     // of the state in hand
  std::vector<CodeRange> ranges;  // of those with one target
  for (DfaState state = 0; state < texts.size() && !program->Full(); ++state) {
    std::vector<Pc> ways;
    edges.assign(texts.edges(state).begin(), texts.edges(state).end());
    std::sort(edges.begin(), edges.end(), by_target);
    for (std::size_t i = 0; i < edges.size();) {
      const DfaState target = edges[i].target;
      ranges.clear();
      for (; i < edges.size() && edges[i].target == target; ++i) ranges.push_back(edges[i].range);
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
  return WriteUtf8(Uncounted(texts), next, program);
}

}  // namespace sentiric::grammar
