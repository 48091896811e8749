// SPDX-License-Identifier: AGPL-3.0-only
// Texts that stand in an answer as they are, without quotes and escapes.
#pragma once

#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/plan/planned_value.h"
#include "core/grammar/regular/dfa.h"
#include "core/grammar/schema/work_budget.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Those of `set` that are in `allowed`. What it took is spent, also where nothing is left.
Result<TextSet> Within(const TextSet& set, const Dfa& allowed, WorkBudget* work);

// Texts of the value that are in `allowed`: a subroutine for each of its sets that has any.
// kInvalidGrammar over the limits of automata, and when the budget is used up.
Result<std::vector<Sub>> WriteRawTexts(const PlannedValue& value, const Dfa& allowed,
                                       WorkBudget* work, ProgramWriter* program);

// The error of a value of which nothing can be written.
Error NotWritable();

}  // namespace sentiric::grammar
