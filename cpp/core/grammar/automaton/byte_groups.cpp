// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/byte_groups.h"

#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

std::size_t GroupOf(std::uint8_t byte) {
  constexpr std::string_view kAlone = "\"\\ \n\t\r_-./:@,+'";
  const std::size_t alone = kAlone.find(static_cast<char>(byte));
  if (alone != std::string_view::npos) return alone;
  static_assert(kAlone.size() + 7 == kNumAsciiGroups);
  const auto in = [byte](char first, char last) { return first <= byte && byte <= last; };
  const std::size_t rest = kAlone.size();
  if (byte < ' ' || byte == 0x7F) return rest;
  if (in('0', '9')) return rest + 1;
  if (in('A', 'F')) return rest + 2;
  if (in('G', 'Z')) return rest + 3;
  if (in('a', 'f')) return rest + 4;
  if (in('g', 'z')) return rest + 5;
  return rest + 6;
}

CharacterShape CharacterAt(std::string_view text, std::size_t at) {
  CodePoint c = 0;
  const int size = DecodeUtf8(text, at, &c);
  if (size == 0) return {kBrokenCharacters, 1};
  if (size > 1) return {kLongCharacters, static_cast<std::size_t>(size)};
  return {GroupSet{1} << GroupOf(static_cast<std::uint8_t>(c)), 1};
}

TextShape ShapeOf(std::string_view text) {
  TextShape shape;
  for (std::size_t at = 0; at < text.size(); ++shape.num_characters) {
    const CharacterShape character = CharacterAt(text, at);
    shape.groups |= character.group;
    at += character.num_bytes;
  }
  return shape;
}

}  // namespace sentiric::grammar
