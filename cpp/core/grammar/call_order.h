// SPDX-License-Identifier: AGPL-3.0-only
// Orders subroutines so that callers come before everything they enter without taking a byte.
#pragma once

#include <string_view>

#include "core/grammar/gbnf_ast.h"
#include "core/grammar/limits.h"
#include "core/grammar/program_builder.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Sets the rank of each subroutine. kInvalidGrammar at a left recursion (direct, through other
// rules, or behind an item that can match nothing) and at a rule from which more than
// `limits.chain` rules can be entered in a row. Skips subroutines that are not live. Linear in the
// program; never recurses.
Status OrderCalls(std::string_view text, const Ast& ast, const Limits& limits, BuiltProgram* built);

}  // namespace sentiric::grammar
