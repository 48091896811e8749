// SPDX-License-Identifier: AGPL-3.0-only
// What people know from other dialects of regular expressions (Perl, PCRE, Python, POSIX, Java),
// and what ECMA-262 has instead: for messages. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

// " at character 3 of the pattern (from 0)"
std::string PlaceInPattern(std::size_t offset);

// Of a letter that is no escape of ECMA-262: "$ for the end of the text" for \Z.
std::string InsteadOfEscape(CodePoint letter);

// Of [:NAME:]; nullopt when POSIX has no such class.
std::optional<std::string> InsteadOfPosixClass(std::string_view name);

// Of braces that look like a quantifier and are none: "{0,3}" for {,3}.
std::string InsteadOfBraces(std::string_view braces);

// "{m}", "{m,}" or "{m,n}".
bool IsQuantifier(std::string_view braces);

struct OtherGroup {
  std::string name;        // a noun
  std::string way_out;     // empty: there is none
  std::string equivalent;  // what means the same; empty: the construct is not supported
};

// Of a group that begins with "(?" and is none of ECMA-262; nullopt when no dialect has it.
std::optional<OtherGroup> FindOtherGroup(std::string_view opening);

}  // namespace sentiric::grammar
