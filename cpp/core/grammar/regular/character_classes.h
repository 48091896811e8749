// SPDX-License-Identifier: AGPL-3.0-only
// The classes that ECMA-262 names with a letter. Normalised.
#pragma once

#include <vector>

#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

inline const std::vector<CodeRange>& Digits() {  // \d
  static const std::vector<CodeRange> digits = {{'0', '9'}};
  return digits;
}

inline const std::vector<CodeRange>& WordCharacters() {  // \w, and what \b looks at
  static const std::vector<CodeRange> word = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return word;
}

inline const std::vector<CodeRange>& WhiteSpace() {  // \s
  static const std::vector<CodeRange> space = {
      {'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
      {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return space;
}

inline const std::vector<CodeRange>& LineTerminators() {  // what "." leaves out
  static const std::vector<CodeRange> ends = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return ends;
}

}  // namespace sentiric::grammar
