// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/regular/dfa.h"

namespace sentiric::grammar {

// What SpelledTexts makes of the texts, then `next`; written without that automaton. Linear.
Pc WriteSpelled(const Dfa& texts, Pc next, ProgramWriter* program);

}  // namespace sentiric::grammar
