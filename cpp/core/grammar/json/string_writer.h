// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/regular/code_points.h"
#include "core/grammar/regular/length_plan.h"

namespace sentiric::grammar {

// One character of `ranges` within a JSON string: as itself, where that is allowed, a letter behind
// a backslash, and \uXXXX, in pairs above FFFF. Letters, digits and spaces of ASCII only as
// themselves: nobody escapes them, and a model that does writes what is hard to read. `ranges` are
// normalised.
Pc StringChar(const std::vector<CodeRange>& ranges, Pc next, ProgramWriter* program);

// One of the texts as a JSON string, in every spelling, then `next`. Counts in counter 0 like
// WriteTexts.
Pc JsonString(const CountedDfa& texts, Pc next, ProgramWriter* program);

}  // namespace sentiric::grammar
