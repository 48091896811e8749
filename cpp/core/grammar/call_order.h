// SPDX-License-Identifier: AGPL-3.0-only
// Which subroutines may be entered from which without taking a byte.
#pragma once

#include <string_view>

#include "core/grammar/gbnf_ast.h"
#include "core/grammar/limits.h"
#include "core/grammar/program_builder.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Gives each subroutine its rank. kInvalidGrammar at a left recursion, direct, through other rules
// or behind something that can match nothing; and at a rule from which more than `limits.chain`
// rules can be entered in a row. Subroutines that are not live are not looked at.
// Linear in the program; never recurses.
Status OrderCalls(std::string_view text, const Ast& ast, const Limits& limits, BuiltProgram* built);

}  // namespace sentiric::grammar
