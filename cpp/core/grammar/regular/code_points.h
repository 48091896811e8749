// SPDX-License-Identifier: AGPL-3.0-only
// Code points, ranges of them, and their UTF-8 bytes. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sentiric::grammar {

using CodePoint = std::uint32_t;
inline constexpr CodePoint kMaxCodePoint = 0x10FFFF;

struct CodeRange {
  CodePoint first = 0;
  CodePoint last = 0;  // inclusive
};
inline bool operator==(CodeRange x, CodeRange y) { return x.first == y.first && x.last == y.last; }
inline bool operator<(CodeRange x, CodeRange y) {
  return x.first != y.first ? x.first < y.first : x.last < y.last;
}

struct ByteRange {
  std::uint8_t first = 0;
  std::uint8_t last = 0;  // inclusive
};
inline bool operator==(ByteRange x, ByteRange y) { return x.first == y.first && x.last == y.last; }

// All strings whose byte i is in bytes[i]. Behind the first range of more than one byte, all ranges
// are 80..BF, so the sequences of a set form a trie.
struct Utf8Sequence {
  ByteRange bytes[4];
  int size = 0;
};

inline constexpr CodePoint kFirstSurrogate = 0xD800;
inline constexpr CodePoint kLastSurrogate = 0xDFFF;

inline bool IsHighSurrogate(CodePoint c) { return c >= 0xD800 && c <= 0xDBFF; }
inline bool IsLowSurrogate(CodePoint c) { return c >= 0xDC00 && c <= 0xDFFF; }

// `c` must be a code point; surrogates are encoded like other code points.
void AppendUtf8(CodePoint c, std::string* out);

// Decodes the character at `pos` and returns its length; 0 when it is malformed (truncated,
// overlong, a surrogate or out of range).
int DecodeUtf8(std::string_view text, std::size_t pos, CodePoint* out);

// All characters of the text; false when one is malformed.
bool DecodeAll(std::string_view text, std::vector<CodePoint>* out);

// Sorts and merges the ranges and removes surrogates, which UTF-8 text cannot contain.
std::vector<CodeRange> Normalize(std::vector<CodeRange> ranges);

// Everything outside of `ranges`. Both are normalised.
std::vector<CodeRange> Complement(const std::vector<CodeRange>& ranges);

// Appends the byte sequences of one range (without surrogates), in order.
void SplitUtf8(CodeRange range, std::vector<Utf8Sequence>* out);

}  // namespace sentiric::grammar
