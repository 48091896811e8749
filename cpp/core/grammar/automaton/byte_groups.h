// SPDX-License-Identifier: AGPL-3.0-only
// Groups of characters that grammars rarely tell apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sentiric::grammar {

using GroupSet = std::uint32_t;  // bit g: group g

inline constexpr std::size_t kNumAsciiGroups = 22;
inline constexpr GroupSet kLongCharacters = GroupSet{1} << kNumAsciiGroups;  // two bytes or more
inline constexpr GroupSet kBrokenCharacters = kLongCharacters << 1;          // parts of such

// The group of an ASCII character.
std::size_t GroupOf(std::uint8_t byte);

struct CharacterShape {
  GroupSet group = 0;
  std::size_t num_bytes = 1;  // a byte that is part of none counts as one
};
CharacterShape CharacterAt(std::string_view text, std::size_t at);

struct TextShape {
  GroupSet groups = 0;
  std::uint32_t num_characters = 0;  // each byte that is part of none counts as one
};
TextShape ShapeOf(std::string_view text);

}  // namespace sentiric::grammar
