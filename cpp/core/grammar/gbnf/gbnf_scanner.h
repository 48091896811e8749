// SPDX-License-Identifier: AGPL-3.0-only
// Scans a GBNF text: space, names, numbers, escapes, and their positions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/grammar/regular/code_points.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// kInvalidGrammar at "grammar:LINE:COL" of a byte offset; both count from 1, columns in characters.
Error GrammarError(std::string_view text, std::size_t offset, std::string what);

// A name for messages: quoted and cut to 40 bytes.
std::string QuoteName(std::string_view name);

// Views the text, which must outlive it. One thread at a time.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t offset() const { return offset_; }
  bool AtEnd() const { return offset_ >= text_.size(); }
  // '\0' past the end; a NUL byte is invalid wherever this is called.
  char Peek(std::size_t ahead = 0) const {
    return offset_ + ahead < text_.size() ? text_[offset_ + ahead] : '\0';
  }
  void Skip(std::size_t num_bytes) { offset_ += num_bytes; }
  // Skips blanks and comments; with `newlines` also line ends.
  void SkipSpace(bool newlines);
  // Longest run of letters, digits and '-'; may be empty.
  std::string_view Name();
  // Reads digits; values beyond 32 bits become UINT32_MAX. nullopt when there is no digit.
  std::optional<std::uint32_t> Number();
  // One character or escape of a literal or class. \u may yield a surrogate.
  Result<CodePoint> Character();
  // The same in a literal, where \uD8xx\uDCxx is one character and half of it is an error.
  Result<CodePoint> WholeCharacter();

  Error Fail(std::size_t offset, std::string what) const {
    return GrammarError(text_, offset, std::move(what));
  }
  // Describes the text at the offset, for "got ...".
  std::string Describe(std::size_t offset) const;

 private:
  Result<CodePoint> Escape();
  Result<CodePoint> Hex(std::size_t start, int num_digits);

  std::string_view text_;
  std::size_t offset_ = 0;
};

}  // namespace sentiric::grammar
