// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/explain/allowed_characters.h"

#include <algorithm>
#include <string>

namespace sentiric::grammar {
namespace {

// Line and paragraph separators, which patterns know apart, are in here.
constexpr CodeRange kLookedAtOneByOne = {0x2000, 0x207F};

class Walk {
 public:
  explicit Walk(Matcher* matcher) : matcher_(*matcher) {}

  std::vector<CodeRange> Run() {
    for (CodePoint c = 0; c < 0x80; ++c) {
      if (Accepts(c)) Add({c, c});
    }
    for (CodePoint lead = 0xC2; lead <= 0xF4; ++lead) {
      const int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
      const std::string prefix(1, static_cast<char>(lead));
      const CodePoint mask = more == 1 ? 0x1F : more == 2 ? 0x0F : 0x07;
      if (matcher_.Accepts(prefix)) Fill(prefix, lead & mask, more);
    }
    return std::move(ranges_);
  }

 private:
  bool Accepts(CodePoint c) {
    std::string bytes;
    AppendUtf8(c, &bytes);
    return matcher_.Accepts(bytes);
  }

  void Add(CodeRange range) {
    const CodePoint next = ranges_.empty() ? 0 : ranges_.back().last + 1;
    const bool is_next = range.first == next || (next == kFirstSurrogate && range.first == 0xE000);
    if (!ranges_.empty() && is_next) {
      ranges_.back().last = range.last;
    } else {
      ranges_.push_back(range);
    }
  }

  // Characters that begin with the bytes, which may come, and have `more` behind them.
  void Fill(const std::string& prefix, CodePoint value, int more) {
    const CodePoint size = CodePoint{1} << (6 * more);
    const CodePoint smallest = prefix.size() + static_cast<std::size_t>(more) == 2   ? 0x80
                               : prefix.size() + static_cast<std::size_t>(more) == 3 ? 0x800
                                                                                     : 0x10000;
    CodeRange block = {std::max(value * size, smallest),
                       std::min(value * size + size - 1, kMaxCodePoint)};
    if (block.first >= kFirstSurrogate && block.last <= kLastSurrogate) return;
    if (block.first < kFirstSurrogate && block.last >= kFirstSurrogate)
      block.last = kFirstSurrogate - 1;
    const bool is_exact =
        block.first < 0x800 || (more > 1 && block.first < 0x10000) ||
        (block.first >= kLookedAtOneByOne.first && block.last <= kLookedAtOneByOne.last);
    if (!is_exact && Accepts(block.first) && Accepts(block.last)) return Add(block);
    for (CodePoint low = 0; low < 64; ++low) {
      const std::string longer = prefix + static_cast<char>(0x80 | low);
      if (!matcher_.Accepts(longer)) continue;
      const CodePoint c = value << 6 | low;
      if (more == 1)
        Add({c, c});
      else
        Fill(longer, c, more - 1);
    }
  }

  Matcher& matcher_;
  std::vector<CodeRange> ranges_;
};

}  // namespace

std::vector<CodeRange> AllowedCharacters(Matcher* matcher) { return Walk(matcher).Run(); }

}  // namespace sentiric::grammar
