// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/raw_texts.h"

#include <utility>

#include "core/grammar/plain/dfa_writer.h"
#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {

Result<TextSet> Within(const TextSet& set, const Dfa& allowed, WorkBudget* work) {
  Result<Dfa> texts = Intersection(set.texts, allowed);
  if (!texts) return texts.error();
  if (Status error = work->Spend(WorkBudget::kEdge * WorkBudget::EdgesOfPattern(*texts)))
    return std::move(*error);
  return Simplify({*std::move(texts), set.length});
}

Result<std::vector<Sub>> WriteRawTexts(const PlannedValue& value, const Dfa& allowed,
                                       WorkBudget* work, ProgramWriter* program) {
  std::vector<Sub> subs;
  for (const TextSet& set : value.text_sets) {
    const Result<TextSet> both = Within(set, allowed, work);
    if (!both) return both.error();
    if (IsEmpty(*both)) continue;
    Result<CountedDfa> counted = Counted(*both);
    if (!counted) return counted.error();
    if (Status error = work->Spend(WorkBudget::kEdge * counted->texts.num_edges()))
      return std::move(*error);
    // The count of characters is that of a run, so each set is a subroutine.
    subs.push_back(program->NewSub());
    program->SetEntry(subs.back(), WriteUtf8(*counted, kReturnPc, program), Contains(*both, ""));
  }
  return subs;
}

Error NotWritable() {
  return {ErrorCode::kInvalidGrammar, "",
          "the model's format of calls cannot write any value that is allowed here"};
}

}  // namespace sentiric::grammar
