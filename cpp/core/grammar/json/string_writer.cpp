// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/string_writer.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/grammar/plain/dfa_writer.h"

namespace sentiric::grammar {
namespace {

constexpr CodePoint kFirstSupplementary = 0x10000;

std::vector<CodeRange> Within(const std::vector<CodeRange>& ranges, CodeRange bounds) {
  std::vector<CodeRange> within;
  for (CodeRange range : ranges) {
    const CodeRange both = {std::max(range.first, bounds.first), std::min(range.last, bounds.last)};
    if (both.first <= both.last) within.push_back(both);
  }
  return within;
}

std::vector<CodeRange> Unescaped(const std::vector<CodeRange>& ranges) {
  std::vector<CodeRange> plain;
  for (CodeRange bounds :
       {CodeRange{0x20, 0x21}, CodeRange{0x23, 0x5B}, CodeRange{0x5D, kMaxCodePoint}}) {
    const std::vector<CodeRange> within = Within(ranges, bounds);
    plain.insert(plain.end(), within.begin(), within.end());
  }
  return plain;
}

// Without letters, digits and spaces.
std::vector<CodeRange> Escapable(const std::vector<CodeRange>& ranges) {
  std::vector<CodeRange> others;
  for (CodeRange bounds : {CodeRange{0, 0x1F}, CodeRange{'!', '/'}, CodeRange{':', '@'},
                           CodeRange{'[', '`'}, CodeRange{'{', kMaxCodePoint}}) {
    const std::vector<CodeRange> within = Within(ranges, bounds);
    others.insert(others.end(), within.begin(), within.end());
  }
  return others;
}

bool Has(const std::vector<CodeRange>& ranges, CodePoint c) {
  return !Within(ranges, {c, c}).empty();
}

class EscapeWriter {
 public:
  EscapeWriter(Pc next, ProgramWriter* program) : next_(next), program_(*program) {}

  // What follows the backslash.
  Pc Write(const std::vector<CodeRange>& ranges) {
    static constexpr std::pair<char, CodePoint> kLetters[] = {
        {'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'b', '\b'},
        {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'}};
    std::vector<Pc> ways;
    for (const auto& [letter, c] : kLetters) {
      if (Has(ranges, c)) ways.push_back(program_.Text({&letter, 1}, next_));
    }
    std::vector<Pc> numbers = Units(Within(ranges, {0, kFirstSupplementary - 1}), next_);
    AddPairs(Within(ranges, {kFirstSupplementary, kMaxCodePoint}), &numbers);
    if (!numbers.empty()) ways.push_back(program_.Text("u", Any(std::move(numbers))));
    return Any(std::move(ways));
  }

 private:
  Pc Any(std::vector<Pc> ways) {
    return ways.size() == 1 ? ways[0] : program_.Split(std::move(ways));
  }

  // The four hexadecimal digits of one of the UTF-16 units in `ranges`.
  std::vector<Pc> Units(const std::vector<CodeRange>& ranges, Pc next) {
    if (ranges.empty()) return {};
    return {Digits(ranges, 4, next)};
  }

  // As deep as there are digits. Digits behind which everything is free have one edge.
  Pc Digits(const std::vector<CodeRange>& ranges, int num_digits, Pc next) {
    if (num_digits == 0) return next;
    const CodePoint size = CodePoint{1} << (4 * (num_digits - 1));
    std::vector<Edge> edges;
    std::vector<CodeRange> inner;  // behind `digit`
    CodePoint digit = 0;
    const auto add_inner = [&] {
      if (!inner.empty()) AddDigits(digit, digit, Digits(inner, num_digits - 1, next), &edges);
      inner.clear();
    };
    for (CodeRange left : ranges) {
      while (left.first <= left.last) {
        if (left.first / size != digit) add_inner();
        digit = left.first / size;
        const CodePoint num_whole = (left.last + 1) / size - digit;
        if (left.first % size == 0 && num_whole > 0) {
          AddDigits(digit, digit + num_whole - 1, Free(num_digits - 1, next), &edges);
          left.first += num_whole * size;
        } else {
          const CodePoint last = std::min(left.last, digit * size + size - 1);
          inner.push_back({left.first % size, last % size});
          left.first = last + 1;
        }
      }
    }
    add_inner();
    return program_.Bytes(std::move(edges));
  }

  Pc Free(int num_digits, Pc next) {
    for (int i = 0; i < num_digits; ++i) {
      std::vector<Edge> edges;
      AddDigits(0, 15, next, &edges);
      next = program_.Bytes(std::move(edges));
    }
    return next;
  }

  // Letters are hexadecimal digits in both cases.
  static void AddDigits(CodePoint first, CodePoint last, Pc rest, std::vector<Edge>* edges) {
    const auto add = [&](char zero, CodePoint from, CodePoint to) {
      if (from > to) return;
      const auto base = static_cast<CodePoint>(zero);
      edges->push_back(
          {static_cast<std::uint8_t>(base + from), static_cast<std::uint8_t>(base + to), rest});
    };
    add('0', first, std::min<CodePoint>(last, 9));
    add('A' - 10, std::max<CodePoint>(first, 10), last);
    add('a' - 10, std::max<CodePoint>(first, 10), last);
  }

  // High surrogates all of whose low ones are meant share their code.
  void AddPairs(const std::vector<CodeRange>& ranges, std::vector<Pc>* ways) {
    std::vector<CodeRange> whole;
    for (CodeRange range : ranges) {
      for (CodePoint c = range.first; c <= range.last;) {
        const CodePoint offset = c - kFirstSupplementary;
        const CodePoint block_end = kFirstSupplementary + (offset | 0x3FF);
        const CodePoint last = std::min(range.last, block_end);
        const CodePoint high = 0xD800 + (offset >> 10);
        if ((offset & 0x3FF) == 0 && last == block_end) {
          whole.push_back({high, high});
        } else {
          AddPair({high, high},
                  {0xDC00 + (offset & 0x3FF), 0xDC00 + ((last - kFirstSupplementary) & 0x3FF)},
                  ways);
        }
        c = last + 1;
      }
    }
    for (CodeRange high : Merged(whole)) AddPair(high, {0xDC00, 0xDFFF}, ways);
  }

  static std::vector<CodeRange> Merged(const std::vector<CodeRange>& sorted) {
    std::vector<CodeRange> merged;
    for (CodeRange range : sorted) {
      if (!merged.empty() && merged.back().last + 1 == range.first) {
        merged.back().last = range.last;
      } else {
        merged.push_back(range);
      }
    }
    return merged;
  }

  void AddPair(CodeRange high, CodeRange low, std::vector<Pc>* ways) {
    const Pc second = program_.Text("\\u", Digits({low}, 4, next_));
    ways->push_back(Digits({high}, 4, second));
  }

  const Pc next_;
  ProgramWriter& program_;
};

// Characters in every spelling. States one after the other often have the same escapes.
class AnySpelling {
 public:
  explicit AnySpelling(ProgramWriter* program) : program_(*program) {}

  Pc Write(const std::vector<CodeRange>& ranges, Pc next) {
    std::vector<Pc> ways;
    const std::vector<CodeRange> plain = Unescaped(ranges);
    if (!plain.empty()) ways.push_back(program_.Chars(plain, next));
    std::vector<CodeRange> escapable = Escapable(ranges);
    if (!escapable.empty()) ways.push_back(Escapes(std::move(escapable), next));
    return program_.Split(std::move(ways));
  }

 private:
  Pc Escapes(std::vector<CodeRange> ranges, Pc next) {
    const auto [known, is_new] = escapes_.try_emplace({next, std::move(ranges)}, kReturnPc);
    if (is_new) {
      const Pc rest = EscapeWriter(next, &program_).Write(known->first.second);
      known->second = program_.Text("\\", rest);
    }
    return known->second;
  }

  ProgramWriter& program_;
  std::map<std::pair<Pc, std::vector<CodeRange>>, Pc> escapes_;
};

}  // namespace

Pc JsonString(const CountedDfa& texts, Pc next, ProgramWriter* program) {
  AnySpelling spelling(program);
  const CharWriter character = [&spelling](const std::vector<CodeRange>& ranges, Pc target) {
    return spelling.Write(ranges, target);
  };
  const Pc close = program->Text("\"", next);
  return program->Text("\"", WriteTexts(texts, character, close, program));
}

}  // namespace sentiric::grammar
