// SPDX-License-Identifier: AGPL-3.0-only
// From a parsed grammar to its program.
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/analysis.h"
#include "core/grammar/gbnf_ast.h"
#include "core/grammar/program.h"

namespace sentiric::grammar {

struct BuiltProgram {
  Program program;                     // ranks not set yet
  std::vector<std::uint32_t> offsets;  // by Pc: where in the text a call stands
  std::vector<bool> live;              // by Sub: not left out by pruning
};

// Compiles the AST, in time and memory linear in it. `prune` leaves out alternatives that have no
// finite text; without it they stay. Pure; never recurses deeper than a character is long.
BuiltProgram BuildProgram(const Ast& ast, const Facts& facts, bool prune);

}  // namespace sentiric::grammar
