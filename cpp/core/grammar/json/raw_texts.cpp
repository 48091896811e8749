// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/raw_texts.h"

#include <utility>

#include "core/grammar/plain/dfa_writer.h"

namespace sentiric::grammar {

Result<std::vector<Pc>> WriteRawTexts(const PlannedValue& value, const Dfa& allowed, Pc next,
                                      ProgramWriter* program) {
  std::vector<Pc> ways;
  for (const TextSet& set : value.text_sets) {
    Result<TextSet> both = Intersection(set, TextSet{allowed, {}});
    if (!both) return both.error();
    if (IsEmpty(*both)) continue;
    Result<CountedDfa> counted = Counted(*both);
    if (!counted) return counted.error();
    // The count of characters is that of a run, so each set is a subroutine.
    const Sub sub = program->NewSub();
    program->SetEntry(sub, WriteUtf8(*counted, kReturnPc, program), Contains(*both, ""));
    ways.push_back(program->Call(sub, next));
  }
  return ways;
}

Error NotWritable() {
  return {ErrorCode::kInvalidGrammar, "",
          "the model's format of calls cannot write any value that is allowed here"};
}

}  // namespace sentiric::grammar
