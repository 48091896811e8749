// SPDX-License-Identifier: AGPL-3.0-only
// The properties of characters that ECMA-262 knows as \p{...}. The tables are written at build time
// by unicode_tables.py.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

// \p{NAME}: a general category or a binary property; \p{NAME=VALUE}: a general category, a script
// or the scripts that use a character. Normalised; nullopt for what ECMA-262 does not know. Names
// are case-sensitive.
std::optional<std::vector<CodeRange>> FindProperty(std::string_view name);
std::optional<std::vector<CodeRange>> FindProperty(std::string_view name, std::string_view value);

bool IsIdentifierStart(CodePoint c);  // ID_Start
bool IsIdentifierPart(CodePoint c);   // ID_Continue, and the joiners U+200C and U+200D

}  // namespace sentiric::grammar
