// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <string_view>

namespace sentiric::utf8 {

enum class Kind { kCharacter, kIncomplete, kInvalid };

// Describes the bytes at the beginning of `text`.
// kCharacter: `length` bytes of a well-formed character (no overlong forms, no surrogates).
// kIncomplete: all of `text` is the beginning of a character.
// kInvalid: `length` bytes that cannot begin one (a maximal subpart; Unicode 15, 3.9).
struct Prefix {
  Kind kind;
  std::size_t length;
};

Prefix Classify(std::string_view text);  // text must not be empty

// Offset of the first byte that is not part of well-formed UTF-8, or npos.
std::size_t FirstInvalid(std::string_view text);

}  // namespace sentiric::utf8
