// SPDX-License-Identifier: AGPL-3.0-only
// llama.cpp's GBNF dialect:
//
//   name ::= body          names are letters, digits and '-'; a text begins with `root`
//   "text" [a-z^0] [^"] .  literal, class, negated class, any character
//   a b | c                sequence, alternatives; a line may end after `::=` and after `|`
//   ( ... )                group, in which a line may end anywhere
//   * + ? {m} {m,} {m,n}   repetition of the item before it
//   # ...                  comment
//   \n \r \t \\ \" \[ \] \- \xNN \uNNNN \UNNNNNNNN   in literals and classes; all name code points
//
// Differences from llama.cpp: token references (<[id]>, <name>, !<...>), duplicate rules, `[]` and
// reversed ranges are errors; `[^]` is any character; a \uD8xx\uDCxx pair in a literal is one
// character.
#pragma once

#include <string_view>

#include "core/grammar/gbnf/gbnf_ast.h"
#include "core/grammar/gbnf/limits.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Parses the text. Checks its size, nesting, number of rules and repetition bounds, and that `root`
// and every rule referred to are defined. Time and memory are linear in the text. Errors:
// kInvalidGrammar. Pure; never recurses.
Result<Ast> ParseGbnf(std::string_view text, const Limits& limits);

}  // namespace sentiric::grammar
