// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/code_points.h"

#include <algorithm>

#include "core/text/utf8.h"

namespace sentiric::grammar {
namespace {

constexpr CodePoint kLastOfLength[] = {0x7F, 0x7FF, 0xFFFF};

int Encode(CodePoint c, std::uint8_t* out) {
  if (c <= 0x7F) {
    out[0] = static_cast<std::uint8_t>(c);
    return 1;
  }
  const int size = c <= 0x7FF ? 2 : c <= 0xFFFF ? 3 : 4;
  for (int i = size - 1; i > 0; --i, c >>= 6) out[i] = static_cast<std::uint8_t>(0x80 | (c & 0x3F));
  out[0] = static_cast<std::uint8_t>((0xF00 >> size) | c);  // 110xxxxx, 1110xxxx, 11110xxx
  return size;
}

// Where to cut the range so that both ends encode to parallel byte ranges; false = not needed.
bool FindCut(CodeRange range, CodePoint* last_of_left) {
  for (CodePoint last : kLastOfLength) {
    if (range.first <= last && last < range.last) return *last_of_left = last, true;
  }
  if (range.last <= 0x7F) return false;
  for (int i = 1; i < 4; ++i) {
    const CodePoint low = (CodePoint{1} << (6 * i)) - 1;
    if ((range.first & ~low) == (range.last & ~low)) continue;
    if ((range.first & low) != 0) return *last_of_left = range.first | low, true;
    if ((range.last & low) != low) return *last_of_left = (range.last & ~low) - 1, true;
  }
  return false;
}

}  // namespace

void AppendUtf8(CodePoint c, std::string* out) {
  std::uint8_t bytes[4];
  const int size = Encode(c, bytes);
  out->append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

int DecodeUtf8(std::string_view text, std::size_t pos, CodePoint* out) {
  const utf8::Prefix prefix = utf8::Classify(text.substr(pos));
  if (prefix.kind != utf8::Kind::kCharacter) return 0;
  const auto lead = static_cast<std::uint8_t>(text[pos]);
  CodePoint c = prefix.length == 1 ? lead : lead & (0x7FU >> prefix.length);
  for (std::size_t i = 1; i < prefix.length; ++i) {
    c = (c << 6) | (static_cast<std::uint8_t>(text[pos + i]) & 0x3FU);
  }
  *out = c;
  return static_cast<int>(prefix.length);
}

bool DecodeAll(std::string_view text, std::vector<CodePoint>* out) {
  out->clear();
  CodePoint c = 0;
  for (std::size_t pos = 0; pos < text.size();) {
    const int length = DecodeUtf8(text, pos, &c);
    if (length == 0) return false;
    pos += static_cast<std::size_t>(length);
    out->push_back(c);
  }
  return true;
}

std::vector<CodeRange> Normalize(std::vector<CodeRange> ranges) {
  std::vector<CodeRange> split;
  for (CodeRange r : ranges) {
    if (r.first < kFirstSurrogate)
      split.push_back({r.first, std::min(r.last, kFirstSurrogate - 1)});
    if (r.last > kLastSurrogate) split.push_back({std::max(r.first, kLastSurrogate + 1), r.last});
  }
  std::sort(split.begin(), split.end());
  std::vector<CodeRange> merged;
  for (CodeRange r : split) {
    if (!merged.empty() && r.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, r.last);
    } else {
      merged.push_back(r);
    }
  }
  return merged;
}

std::vector<CodeRange> Complement(const std::vector<CodeRange>& ranges) {
  std::vector<CodeRange> out;
  CodePoint next = 0;
  for (CodeRange r : ranges) {
    if (r.first > next) out.push_back({next, r.first - 1});
    next = r.last + 1;
  }
  if (next <= kMaxCodePoint) out.push_back({next, kMaxCodePoint});
  return Normalize(std::move(out));
}

void SplitUtf8(CodeRange range, std::vector<Utf8Sequence>* out) {
  std::vector<CodeRange> todo = {range};
  while (!todo.empty()) {
    const CodeRange r = todo.back();
    todo.pop_back();
    CodePoint cut = 0;
    if (FindCut(r, &cut)) {
      todo.push_back({cut + 1, r.last});
      todo.push_back({r.first, cut});
      continue;
    }
    std::uint8_t first[4], last[4];
    Utf8Sequence sequence;
    sequence.size = Encode(r.first, first);
    Encode(r.last, last);
    for (int i = 0; i < sequence.size; ++i) sequence.bytes[i] = {first[i], last[i]};
    out->push_back(sequence);
  }
}

}  // namespace sentiric::grammar
