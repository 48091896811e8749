// SPDX-License-Identifier: AGPL-3.0-only
// Compiles a parsed grammar to a program.
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/automaton/program.h"
#include "core/grammar/gbnf/analysis.h"
#include "core/grammar/gbnf/gbnf_ast.h"

namespace sentiric::grammar {

struct BuiltProgram {
  Program program;                     // ranks not set yet
  std::vector<std::uint32_t> offsets;  // by Pc: offset of a call in the text
  std::vector<bool> live;              // by Sub: false if left out by pruning
};

// Compiles the AST in linear time and memory. `prune` leaves out alternatives that match no finite
// text. Pure; recurses at most as deep as a character has bytes.
BuiltProgram BuildProgram(const Ast& ast, const Facts& facts, bool prune);

}  // namespace sentiric::grammar
