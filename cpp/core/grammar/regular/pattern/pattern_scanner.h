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

enum class PatternSyntax : std::uint8_t {
  kUnicode,  // ECMA-262 with the flag u
  kLegacy,   // without it, as browsers read it (ECMA-262, annex B.1.2)
};

// Returned by Peek() at the end of the pattern.
inline constexpr CodePoint kNoCharacter = UINT32_MAX;

class PatternScanner {
 public:
  PatternScanner(const std::vector<CodePoint>& text, PatternSyntax syntax);

  struct Escape {
    enum class Kind : std::uint8_t { kChar, kSet, kWordBoundary, kNotWordBoundary };
    Kind kind = Kind::kChar;
    CodePoint c = 0;             // kChar; possibly a surrogate
    std::vector<CodeRange> set;  // kSet
  };

  bool IsLegacy() const { return syntax_ == PatternSyntax::kLegacy; }
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
  std::optional<Braces> TakeBraces() { return TakeBraces(pos_); }
  std::optional<Braces> TakeBraces(std::size_t at);  // from another offset, if they stand there
  // Behind "(?<": the name and ">".
  std::optional<std::u32string> TakeGroupName();

  // Both at an offset in characters. Only a syntax error lets the other syntax be tried.
  Error SyntaxError(const std::string& what, std::size_t at) const;
  Error Unsupported(const std::string& what, std::size_t at);
  bool met_unsupported() const { return met_unsupported_; }

 private:
  void CountGroups();
  std::optional<CodePoint> TakeHex(int digits);
  std::optional<CodePoint> TakeUnicode();
  std::optional<std::uint32_t> TakeNumber();
  CodePoint TakeOctal(CodePoint first);
  Result<Escape> TakeDecimalEscape(CodePoint c, bool in_class, std::size_t at);
  Result<Escape> TakeProperty(bool negated, std::size_t at);
  Result<Escape> TakeCharacterEscape(CodePoint c, bool in_class, std::size_t at);
  Result<Escape> TakeControl(bool in_class, std::size_t at);
  Result<Escape> TakeClassAtom();

  const std::vector<CodePoint>& text_;
  const PatternSyntax syntax_;
  std::size_t pos_ = 0;
  std::uint32_t num_groups_ = 0;  // capturing
  bool has_names_ = false;
  bool met_unsupported_ = false;
};

}  // namespace sentiric::grammar
