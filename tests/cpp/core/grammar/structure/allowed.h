// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <string_view>

#include "core/grammar/automaton/matcher.h"
#include "core/grammar/structure/compile_structure.h"

namespace sentiric::grammar {

// Whether the structure compiles and allows the whole text.
inline bool StructureAllows(std::string_view structure, std::string_view text) {
  const auto grammar = CompileStructure(structure);
  if (!grammar) return false;
  Matcher matcher(*grammar);
  return matcher.Advance(text) && matcher.CanEnd();
}

// Where a structure is refused, then why; empty when it compiles.
inline std::string StructureRefusal(std::string_view structure) {
  const auto grammar = CompileStructure(structure);
  return grammar ? "" : grammar.error().where + " " + grammar.error().what;
}

}  // namespace sentiric::grammar
