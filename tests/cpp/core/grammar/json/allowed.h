// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <string_view>

#include "core/grammar/automaton/matcher.h"
#include "core/grammar/json/compile_schema.h"

namespace sentiric::grammar {

// Whether the schema compiles and allows the whole text.
inline bool Allows(std::string_view schema, std::string_view text) {
  const auto grammar = CompileSchema(schema);
  if (!grammar) return false;
  Matcher matcher(*grammar);
  return matcher.Advance(text) && matcher.CanEnd();
}

// Where a schema is refused, then why; empty when it compiles.
inline std::string Refusal(std::string_view schema) {
  const auto grammar = CompileSchema(schema);
  return grammar ? "" : grammar.error().Message();
}

inline bool IsRefused(std::string_view schema, std::string_view where, std::string_view what) {
  const auto grammar = CompileSchema(schema);
  return !grammar && grammar.error().where == where &&
         grammar.error().what.find(what) != std::string::npos;
}

}  // namespace sentiric::grammar
