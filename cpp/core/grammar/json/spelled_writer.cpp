// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/spelled_writer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/grammar/plain/dfa_writer.h"
#include "core/grammar/plan/canonical_texts.h"

namespace sentiric::grammar {
namespace {

constexpr CodePoint kLastEscaped = '\\';

// Characters in their one spelling. States one after the other often have the same escapes.
class SpelledWriter {
 public:
  explicit SpelledWriter(ProgramWriter* program) : program_(*program) {}

  Pc Write(const std::vector<CodeRange>& ranges, Pc next) {
    std::vector<CodeRange> plain;
    std::string escaped;
    for (CodeRange range : ranges) Sort(range, &plain, &escaped);
    std::vector<Pc> ways;
    if (!plain.empty()) ways.push_back(program_.Chars(plain, next));
    if (!escaped.empty()) ways.push_back(Escapes(std::move(escaped), next));
    return program_.Split(std::move(ways));
  }

 private:
  static void Sort(CodeRange range, std::vector<CodeRange>* plain, std::string* escaped) {
    for (CodePoint c = range.first; c <= std::min(range.last, kLastEscaped); ++c) {
      if (c >= ' ' && c != '"' && c != kLastEscaped) continue;
      if (range.first < c) plain->push_back({range.first, c - 1});
      escaped->push_back(static_cast<char>(c));
      range.first = c + 1;
    }
    if (range.first <= range.last) plain->push_back(range);
  }

  Pc Escapes(std::string chars, Pc next) {
    const auto [known, is_new] = escapes_.try_emplace({next, std::move(chars)}, kReturnPc);
    if (is_new) known->second = program_.Text("\\", Rest(known->first.second, next));
    return known->second;
  }

  // What follows the backslash: a letter, or u00 and two digits.
  Pc Rest(const std::string& chars, Pc next) {
    std::vector<Edge> letters, low[2], high;
    for (char c : chars) {
      const std::string spelled = SpelledText({&c, 1});
      const auto last = static_cast<std::uint8_t>(spelled.back());
      (spelled.size() == 2 ? letters : low[c >> 4]).push_back({last, last, next});
    }
    for (std::uint8_t i = 0; i < 2; ++i) {
      const auto digit = static_cast<std::uint8_t>('0' + i);
      if (!low[i].empty()) high.push_back({digit, digit, program_.Bytes(std::move(low[i]))});
    }
    if (!high.empty())
      letters.push_back({'u', 'u', program_.Text("00", program_.Bytes(std::move(high)))});
    return program_.Bytes(std::move(letters));
  }

  ProgramWriter& program_;
  std::map<std::pair<Pc, std::string>, Pc> escapes_;
};

}  // namespace

Pc WriteSpelled(const Dfa& texts, Pc next, ProgramWriter* program) {
  SpelledWriter writer(program);
  const CharWriter character = [&writer](const std::vector<CodeRange>& ranges, Pc target) {
    return writer.Write(ranges, target);
  };
  return WriteTexts(Uncounted(texts), character, program->Text("\"", next), program);
}

}  // namespace sentiric::grammar
