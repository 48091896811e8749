// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf/gbnf_scanner.h"

#include <algorithm>
#include <cstdio>

namespace sentiric::grammar {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '-';
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Hexadecimal(CodePoint c) {
  char out[16];
  std::snprintf(out, sizeof out, "U+%04X", static_cast<unsigned>(c));
  return out;
}

}  // namespace

Error GrammarError(std::string_view text, std::size_t offset, std::string what) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::string_view row =
      newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto column =
      1 + std::count_if(row.begin(), row.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return {ErrorCode::kInvalidGrammar,
          "grammar:" + std::to_string(line) + ":" + std::to_string(column), std::move(what)};
}

std::string QuoteName(std::string_view name) {
  constexpr std::size_t kShown = 40;
  return "'" + std::string(name.substr(0, kShown)) + (name.size() > kShown ? "...'" : "'");
}

void Scanner::SkipSpace(bool newlines) {
  while (!AtEnd()) {
    const char c = Peek();
    if (c == '#') {
      while (!AtEnd() && Peek() != '\n' && Peek() != '\r') Skip(1);
    } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
      Skip(1);
    } else {
      return;
    }
  }
}

std::string_view Scanner::Name() {
  const std::size_t start = offset_;
  while (!AtEnd() && IsNameChar(Peek())) Skip(1);
  return text_.substr(start, offset_ - start);
}

std::optional<std::uint32_t> Scanner::Number() {
  if (!IsDigit(Peek())) return std::nullopt;
  std::uint64_t value = 0;
  for (; IsDigit(Peek()); Skip(1)) {
    value =
        std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(Peek() - '0'), UINT32_MAX);
  }
  return static_cast<std::uint32_t>(value);
}

Result<CodePoint> Scanner::Character() {
  if (Peek() == '\\') return Escape();
  CodePoint c = 0;
  const int size = DecodeUtf8(text_, offset_, &c);
  if (size == 0)
    return Fail(offset_, "text is not valid UTF-8; got " + Describe(offset_) + ", allowed UTF-8");
  Skip(static_cast<std::size_t>(size));
  return c;
}

Result<CodePoint> Scanner::WholeCharacter() {
  const std::size_t start = offset_;
  Result<CodePoint> c = Character();
  if (!c) return c;
  if (IsHighSurrogate(*c) && Peek() == '\\' && Peek(1) == 'u') {
    Result<CodePoint> low = Character();
    if (!low) return low;
    if (IsLowSurrogate(*low)) return 0x10000 + ((*c - 0xD800) << 10) + (*low - 0xDC00);
  }
  if (!IsHighSurrogate(*c) && !IsLowSurrogate(*c)) return c;
  return Fail(start, "half a character; got a lone surrogate, allowed a surrogate pair or \\U");
}

Result<CodePoint> Scanner::Escape() {
  const std::size_t start = offset_;
  const char c = Peek(1);
  Skip(2);
  switch (c) {
    case 'x': return Hex(start, 2);
    case 'u': return Hex(start, 4);
    case 'U': return Hex(start, 8);
    case 't': return CodePoint{'\t'};
    case 'r': return CodePoint{'\r'};
    case 'n': return CodePoint{'\n'};
    case '\\':
    case '"':
    case '[':
    case ']':
    case '-': return static_cast<CodePoint>(c);
    default:
      return Fail(start, "unknown escape; got \\ before " + Describe(start + 1) +
                             R"(, allowed \n \r \t \\ \" \[ \] \- \xNN \uNNNN \UNNNNNNNN)");
  }
}

Result<CodePoint> Scanner::Hex(std::size_t start, int num_digits) {
  CodePoint value = 0;
  for (int i = 0; i < num_digits; ++i, Skip(1)) {
    const int digit = HexValue(Peek());
    if (digit < 0) {
      return Fail(start, "escape is too short; got " + Describe(offset_) + " after " +
                             std::to_string(i) + " digits, allowed " + std::to_string(num_digits) +
                             " hexadecimal digits");
    }
    value = (value << 4) | static_cast<CodePoint>(digit);
  }
  if (value > kMaxCodePoint) {
    return Fail(start,
                "no such character; got " + Hexadecimal(value) + ", allowed U+0000..U+10FFFF");
  }
  return value;
}

std::string Scanner::Describe(std::size_t offset) const {
  if (offset >= text_.size()) return "the end of the text";
  const char c = text_[offset];
  if (c == '\n' || c == '\r') return "the end of the line";
  if (c > ' ' && c < 0x7F) return std::string("'") + c + "'";
  CodePoint code = 0;
  if (DecodeUtf8(text_, offset, &code) > 0) return Hexadecimal(code);
  char out[16];
  std::snprintf(out, sizeof out, "byte 0x%02X",
                static_cast<unsigned>(static_cast<std::uint8_t>(c)));
  return out;
}

}  // namespace sentiric::grammar
