// SPDX-License-Identifier: AGPL-3.0-only
// What a pattern says about single characters: escapes and classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/grammar/regular/code_points.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Returned by Peek() at the end of the pattern.
inline constexpr CodePoint kNoCharacter = UINT32_MAX;

class PatternScanner {
 public:
  explicit PatternScanner(const std::vector<CodePoint>& text);

  struct Escape {
    enum class Kind : std::uint8_t { kChar, kSet, kWordBoundary, kNotWordBoundary };
    Kind kind = Kind::kChar;
    CodePoint c = 0;             // kChar; possibly a surrogate
    std::vector<CodeRange> set;  // kSet
  };

  std::size_t offset() const { return pos_; }
  CodePoint Peek(std::size_t ahead = 0) const {
    return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : kNoCharacter;
  }
  CodePoint Take() { return text_[pos_++]; }
  bool Accept(CodePoint c);
  bool Accept(std::string_view ascii);

  // Behind a backslash outside of a class.
  Result<Escape> TakeEscape();
  // Behind "[".
  Result<std::vector<CodeRange>> TakeClass();
  // "{m}", "{m,}" or "{m,n}", or nothing and nullopt. Numbers saturate below kUnlimited.
  struct Braces {
    std::uint32_t min = 0, max = 0;
  };
  std::optional<Braces> TakeBraces();
  // Behind "(?<": the name and ">".
  std::optional<std::u32string> TakeGroupName();

  // From an offset on, at most 40 characters.
  std::string Shown(std::size_t from, std::size_t size) const;

  // All at an offset in characters; `what` is a noun.
  static Error SyntaxError(const std::string& what, std::size_t at);
  static Error SyntaxError(const std::string& what, std::size_t at, const std::string& got,
                           const std::string& allowed);
  static Error Unsupported(const std::string& what, std::size_t at,
                           const std::string& way_out = "");

 private:
  void CountGroups();
  std::optional<CodePoint> TakeHex(int digits);
  std::optional<CodePoint> TakeUnicode();
  std::optional<std::uint32_t> TakeNumber();
  Error BadEscape(std::size_t at, const std::string& allowed) const;
  Result<Escape> TakeDecimalEscape(CodePoint c, bool in_class, std::size_t at);
  Result<Escape> TakeProperty(bool negated, std::size_t at);
  Result<Escape> TakeCharacterEscape(CodePoint c, std::size_t at);
  Result<Escape> TakeClassAtom();
  Status CheckPosixClass() const;

  const std::vector<CodePoint>& text_;
  std::size_t pos_ = 0;
  std::uint32_t num_groups_ = 0;  // capturing
};

}  // namespace sentiric::grammar
