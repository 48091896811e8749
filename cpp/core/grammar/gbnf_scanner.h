// SPDX-License-Identifier: AGPL-3.0-only
// Characters of a GBNF text: space, names, numbers, escapes, and where they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/grammar/code_points.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// kInvalidGrammar at "grammar:LINE:COL" of a byte offset; both count from 1, columns in characters.
Error GrammarError(std::string_view text, std::size_t offset, std::string what);

// A name for messages: quoted, at most 40 bytes of it.
std::string QuoteName(std::string_view name);

// Views the text, which must outlive it. One thread at a time.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t offset() const { return offset_; }
  bool AtEnd() const { return offset_ >= text_.size(); }
  // '\0' past the end; a NUL byte in the text is not valid anywhere this is asked.
  char Peek(std::size_t ahead = 0) const {
    return offset_ + ahead < text_.size() ? text_[offset_ + ahead] : '\0';
  }
  void Skip(std::size_t num_bytes) { offset_ += num_bytes; }
  // Blanks and comments, and line ends when asked.
  void SkipSpace(bool newlines);
  // Longest run of letters, digits and '-'; may be empty.
  std::string_view Name();
  // Digits; values beyond 32 bits read as UINT32_MAX. nullopt when there is no digit.
  std::optional<std::uint32_t> Number();
  // One character or escape of a literal or class. \u may give a surrogate.
  Result<CodePoint> Character();
  // The same of a literal, where \uD8xx\uDCxx is one character and half of it is none.
  Result<CodePoint> WholeCharacter();

  Error Fail(std::size_t offset, std::string what) const {
    return GrammarError(text_, offset, std::move(what));
  }
  // What stands at the offset, for "got ...".
  std::string Describe(std::size_t offset) const;

 private:
  Result<CodePoint> Escape();
  Result<CodePoint> Hex(std::size_t start, int num_digits);

  std::string_view text_;
  std::size_t offset_ = 0;
};

}  // namespace sentiric::grammar
