// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/run_splitter.h"

#include <algorithm>
#include <cstdint>

namespace sentiric::backend {
namespace {

enum class CharClass { kLetter, kDigit, kSpace, kOther };

CharClass ClassifyAscii(std::uint32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return CharClass::kLetter;
  if (c >= '0' && c <= '9') return CharClass::kDigit;
  if (c == ' ' || (c >= '\t' && c <= '\r')) return CharClass::kSpace;
  return CharClass::kOther;
}

bool IsWideSpace(std::uint32_t c) {
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Punctuation that ends a run in scripts without spaces. All other non-ASCII characters count as
// letters.
bool IsWidePunctuation(std::uint32_t c) {
  return (c >= 0x2010 && c <= 0x205E) || (c >= 0x3001 && c <= 0x303F) ||
         (c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) ||
         (c >= 0xFF3B && c <= 0xFF40) || (c >= 0xFF5B && c <= 0xFF65);
}

CharClass Classify(std::uint32_t c) {
  if (c < 0x80) return ClassifyAscii(c);
  if (IsWideSpace(c)) return CharClass::kSpace;
  return IsWidePunctuation(c) ? CharClass::kOther : CharClass::kLetter;
}

// Tracks the lengths of the runs that end at the current character.
class RunCounter {
 public:
  // False when `c` would make a run too long: the text must be cut before it.
  bool Accept(std::uint32_t c) {
    const CharClass next = Classify(c);
    class_run_ = next == class_ ? class_run_ + 1 : 1;
    word_run_ = next == CharClass::kSpace ? 0 : word_run_ + 1;
    line_run_ = c == '\n' ? 0 : line_run_ + 1;
    class_ = next;
    return class_run_ <= kMaxClassRun && word_run_ <= kMaxWordRun && line_run_ <= kMaxLineRun;
  }

  // `c` is the first character after a cut.
  void Restart(std::uint32_t c) {
    class_run_ = word_run_ = line_run_ = 0;
    Accept(c);
  }

 private:
  CharClass class_ = CharClass::kOther;
  std::size_t class_run_ = 0;
  std::size_t word_run_ = 0;
  std::size_t line_run_ = 0;
};

}  // namespace

std::vector<std::size_t> FindRunCuts(std::string_view text) {
  std::vector<std::size_t> cuts;
  // The limits are in characters, so a text with fewer bytes cannot exceed them.
  if (text.size() <= std::min({kMaxClassRun, kMaxWordRun, kMaxLineRun})) return cuts;
  RunCounter counter;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = DecodeCodePoint(text, i);
    if (!counter.Accept(c.value)) {
      cuts.push_back(i);
      counter.Restart(c.value);
    }
    i += c.length;
  }
  return cuts;
}

std::vector<std::size_t> FindFallbackCuts(std::string_view text, const CodePointSet& joinable) {
  std::vector<std::size_t> cuts;
  std::size_t lone_bytes = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = DecodeCodePoint(text, i);
    i += c.length;
    if (joinable.Contains(c.value)) continue;
    lone_bytes += c.length;
    if (lone_bytes < kMaxFallbackBytes) continue;
    cuts.push_back(i);
    lone_bytes = 0;
  }
  return cuts;
}

}  // namespace sentiric::backend
