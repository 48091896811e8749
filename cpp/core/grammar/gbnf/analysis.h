// SPDX-License-Identifier: AGPL-3.0-only
// Facts about the nodes of a parsed grammar, computed once before it is compiled.
#pragma once

#include <string_view>
#include <vector>

#include "core/grammar/gbnf/gbnf_ast.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Indexed by NodeId.
struct Facts {
  std::vector<bool> nullable;    // can match the empty text
  std::vector<bool> productive;  // can match at least one finite text
};

// Linear in the size of the AST. Pure; never recurses.
Facts Analyse(const Ast& ast);

// kInvalidGrammar at an item that can match nothing and may be repeated more than once.
Status RefuseEmptyRepetition(std::string_view text, const Ast& ast, const Facts& facts);

// kInvalidGrammar at a rule that matches no finite text. root_only: looks at `root` alone.
Status RefuseEndlessRules(std::string_view text, const Ast& ast, const Facts& facts,
                          bool root_only);

}  // namespace sentiric::grammar
