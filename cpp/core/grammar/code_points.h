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

// All strings whose byte i lies in bytes[i]. Only the first range that holds more than one byte
// may differ from a whole 80..BF after it, so the sequences of a set form a trie.
struct Utf8Sequence {
  ByteRange bytes[4];
  int size = 0;
};

inline bool IsHighSurrogate(CodePoint c) { return c >= 0xD800 && c <= 0xDBFF; }
inline bool IsLowSurrogate(CodePoint c) { return c >= 0xDC00 && c <= 0xDFFF; }

// `c` must be a code point; surrogates are encoded as they are.
void AppendUtf8(CodePoint c, std::string* out);

// Reads the character at `pos`. Returns its length, 0 when it is malformed (truncated, overlong,
// a surrogate or out of range).
int DecodeUtf8(std::string_view text, std::size_t pos, CodePoint* out);

// Sorted, merged, and without surrogates, which UTF-8 text cannot hold.
std::vector<CodeRange> Normalize(std::vector<CodeRange> ranges);

// Everything outside `ranges` (normalised), again normalised.
std::vector<CodeRange> Complement(const std::vector<CodeRange>& ranges);

// Appends the byte sequences of one range (without surrogates), in order.
void SplitUtf8(CodeRange range, std::vector<Utf8Sequence>* out);

}  // namespace sentiric::grammar
