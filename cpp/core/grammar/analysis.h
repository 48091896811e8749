// SPDX-License-Identifier: AGPL-3.0-only
// What the parts of a parsed grammar can do, found once before it is compiled.
#pragma once

#include <string_view>
#include <vector>

#include "core/grammar/gbnf_ast.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Indexed by NodeId.
struct Facts {
  std::vector<bool> nullable;    // can match the empty text
  std::vector<bool> productive;  // can match at least one finite text
};

// Linear in the size of the AST. Pure; never recurses.
Facts Analyse(const Ast& ast);

// kInvalidGrammar at a repetition (more than once) of something that can match nothing.
Status RefuseEmptyRepetition(std::string_view text, const Ast& ast, const Facts& facts);

// kInvalidGrammar at a rule that has no finite text; of all rules, or of `root` alone.
Status RefuseEndlessRules(std::string_view text, const Ast& ast, const Facts& facts,
                          bool root_only);

}  // namespace sentiric::grammar
