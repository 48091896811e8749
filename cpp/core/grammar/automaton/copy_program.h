// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/automaton/program.h"
#include "core/grammar/automaton/program_writer.h"

namespace sentiric::grammar {

// Writes a finished program into another one. Returns the subroutine that was its root.
Sub CopyProgram(const Program& program, ProgramWriter* writer);

}  // namespace sentiric::grammar
