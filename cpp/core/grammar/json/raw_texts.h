// SPDX-License-Identifier: AGPL-3.0-only
// Texts that stand in an answer as they are, without quotes and escapes.
#pragma once

#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/plan/planned_value.h"
#include "core/grammar/regular/dfa.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Texts of the value that are in `allowed`, then `next`: a way for each of its sets that has any.
// kInvalidGrammar over the limits of automata.
Result<std::vector<Pc>> WriteRawTexts(const PlannedValue& value, const Dfa& allowed, Pc next,
                                      ProgramWriter* program);

// The error of a value of which nothing can be written.
Error NotWritable();

}  // namespace sentiric::grammar
