// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <functional>
#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/regular/length_plan.h"

namespace sentiric::grammar {

// Writes one of the characters, then `next`. The ranges are normalised.
using CharWriter = std::function<Pc(const std::vector<CodeRange>& ranges, Pc next)>;

// One of the texts, then `next`. Counts characters in counter 0 where the lengths need it, so it
// must be 0 before. Linear in the automaton.
Pc WriteTexts(const CountedDfa& texts, const CharWriter& character, Pc next,
              ProgramWriter* program);

// The same in UTF-8.
Pc WriteUtf8(const CountedDfa& texts, Pc next, ProgramWriter* program);

// Without a counter.
Pc WriteUtf8(const Dfa& texts, Pc next, ProgramWriter* program);

}  // namespace sentiric::grammar
