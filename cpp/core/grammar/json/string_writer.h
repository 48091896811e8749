// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/regular/length_plan.h"

namespace sentiric::grammar {

// One of the texts as a JSON string, then `next`. A character stands as itself, where that is
// allowed, as a letter behind a backslash, and as \uXXXX, in pairs above FFFF. Letters, digits and
// spaces of ASCII only as themselves: nobody escapes them, and a model that does writes what is
// hard to read. Counts in counter 0 like WriteTexts.
Pc JsonString(const CountedDfa& texts, Pc next, ProgramWriter* program);

}  // namespace sentiric::grammar
