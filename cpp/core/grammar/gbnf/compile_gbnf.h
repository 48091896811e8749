// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>
#include <string_view>

#include "core/grammar/automaton/grammar.h"
#include "core/grammar/gbnf/limits.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Parses, checks and compiles GBNF (see gbnf_parser.h for the dialect). Errors: kInvalidGrammar at
// "grammar:LINE:COL" when the text is not GBNF, exceeds a limit, refers to an undefined rule, has
// no `root`, is left-recursive or cannot end; with limits.strict also when it repeats an item that
// can match nothing. Linear in the text; never recurses. Any thread.
Result<std::shared_ptr<const Grammar>> CompileGbnf(std::string_view gbnf, const Limits& limits);

}  // namespace sentiric::grammar
