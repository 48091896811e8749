// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/other_dialects.h"

#include <algorithm>
#include <map>

namespace sentiric::grammar {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t DigitsFrom(std::string_view text, std::size_t from) {
  std::size_t at = from;
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at - from;
}

}  // namespace

std::string PlaceInPattern(std::size_t offset) {
  return " at character " + std::to_string(offset) + " of the pattern (from 0)";
}

std::string InsteadOfEscape(CodePoint letter) {
  static const std::map<char, const char*> kInstead = {
      {'A', "^ for the start of the text"},
      {'Z', "$ for the end of the text"},
      {'z', "$ for the end of the text"},
      {'a', "\\x07"},
      {'e', "\\x1B"},
      {'h', "[ \\t] for a space or tab"},
      {'H', "[^ \\t]"},
      {'N', ". for all but line breaks"},
      {'R', "(?:\\r?\\n) for a line break"},
  };
  const auto letter_itself = static_cast<char>(letter);
  const auto found = kInstead.find(letter_itself);
  if (found != kInstead.end()) return found->second;
  return std::string(1, letter_itself) + " for the letter";
}

std::optional<std::string> InsteadOfPosixClass(std::string_view name) {
  static const std::map<std::string_view, const char*> kInstead = {
      {"alpha", "[A-Za-z] or \\p{L}"},
      {"alnum", "[A-Za-z0-9] or [\\p{L}\\p{N}]"},
      {"ascii", "[\\0-\\x7F]"},
      {"blank", "[ \\t]"},
      {"cntrl", "[\\0-\\x1F\\x7F] or \\p{Cc}"},
      {"digit", "\\d"},
      {"graph", "[!-~]"},
      {"lower", "[a-z] or \\p{Ll}"},
      {"print", "[ -~]"},
      {"punct", "\\p{P}"},
      {"space", "\\s"},
      {"upper", "[A-Z] or \\p{Lu}"},
      {"word", "\\w"},
      {"xdigit", "[0-9A-Fa-f]"},
  };
  const auto found = kInstead.find(name);
  return found == kInstead.end() ? std::nullopt : std::optional<std::string>(found->second);
}

bool IsQuantifier(std::string_view braces) {
  const std::size_t first = DigitsFrom(braces, 1);
  if (first == 0) return false;
  std::size_t end = 1 + first;
  if (end < braces.size() && braces[end] == ',') end += 1 + DigitsFrom(braces, end + 1);
  return end + 1 == braces.size() && braces[end] == '}';
}

std::string InsteadOfBraces(std::string_view braces) {
  std::string meant(braces);
  meant.erase(std::remove(meant.begin(), meant.end(), ' '), meant.end());
  if (meant.compare(0, 2, "{,") == 0) meant.insert(1, "0");
  if (meant.back() != '}') meant += "}";
  if (!IsQuantifier(meant)) meant = "{m}, {m,} or {m,n}";
  return meant + ", or \\{ for the character";
}

std::optional<OtherGroup> FindOtherGroup(std::string_view opening) {
  static const std::pair<std::string_view, OtherGroup> kGroups[] = {
      {"(?P<", {"a named group of Python", "", "(?<"}},
      {"(?'", {"a named group of .NET", "", "(?<"}},
      {"(?P=", {"a back-reference", "", ""}},
      {"(?>", {"an atomic group", "write (?:", ""}},
      {"(?#", {"a comment", "leave it out", ""}},
      {"(?(", {"a condition", "", ""}},
      {"(?|", {"a branch reset", "write (?:", ""}},
      {"(?R", {"recursion", "", ""}},
      {"(?P>", {"recursion", "", ""}},
      {"(?&", {"recursion", "", ""}},
  };
  for (const auto& [prefix, group] : kGroups) {
    if (opening.substr(0, prefix.size()) == prefix) return group;
  }
  const char c = opening.size() > 2 ? opening[2] : '\0';
  const bool is_flag = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '^';
  if (is_flag) return OtherGroup{"a flag", "leave it out; for (?i) write both cases: [aA]", ""};
  return std::nullopt;
}

}  // namespace sentiric::grammar
