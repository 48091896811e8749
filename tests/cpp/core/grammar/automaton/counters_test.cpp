// SPDX-License-Identifier: AGPL-3.0-only
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "core/grammar/automaton/matcher.h"
#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/tokens/token_trie.h"

namespace sentiric::grammar {
namespace {

struct Bounds {
  std::uint32_t min = 0;
  std::uint32_t max = kUnlimited;
  bool Contains(std::uint32_t n) const { return min <= n && n <= max; }
};

// A loop around an item that is counted before it begins.
Pc Loop(ProgramWriter* w, std::uint32_t counter, Bounds bounds, Pc item_begin, Pc loop, Pc next) {
  w->Bind(loop, w->Split({w->AtLeast(counter, bounds.min, next),
                          w->Count(counter, bounds.max, item_begin)}));
  return loop;
}

// '[' then letters a, b and ç and called groups "(b*)" by `items`; of all these, as many are ç as
// `marked` says; ']'. Then '"', characters as `chars` says, '"'.
std::shared_ptr<const Grammar> Make(Bounds items, Bounds marked, Bounds chars) {
  ProgramWriter w;
  const Sub root = w.NewSub();
  const Sub group = w.NewSub();
  const Pc in_group = w.Reserve();
  Loop(&w, 0, {}, w.Text("b", in_group), in_group, w.Text(")", kReturnPc));
  w.SetEntry(group, w.Text("(", in_group), false);

  const Pc in_string = w.Reserve();
  const Pc char_begin = w.Chars({{'a', 'z'}, {0x80, kMaxCodePoint}}, in_string);
  Loop(&w, 0, chars, char_begin, in_string, w.Text("\"", kReturnPc));
  const Pc string = w.Reset(0, w.Text("\"", in_string));

  const Pc in_array = w.Reserve();
  const Pc item = w.Split({w.Byte({'a', 'b'}, in_array), w.Call(group, in_array),
                           w.Count(1, marked.max, w.Text("ç", in_array))});
  Loop(&w, 0, items, item, in_array, w.AtLeast(1, marked.min, w.Text("]", string)));
  w.SetEntry(root, w.Text("[", in_array), false);
  auto program = w.Finish(root);
  EXPECT_EQ(program ? "" : program.error().Message(), "");
  return std::make_shared<Grammar>(std::move(*program));
}

bool Follows(Matcher matcher, const std::string& text) {
  return matcher.Advance(text) && matcher.CanEnd();
}

std::string Repeat(const std::string& text, std::uint32_t n) {
  std::string out;
  for (std::uint32_t i = 0; i < n; ++i) out += text;
  return out;
}

TEST(Counters, CountExactly) {
  for (const Bounds items : {Bounds{2, 4}, Bounds{0, 3}, Bounds{3, kUnlimited}, Bounds{}}) {
    for (const Bounds marked : {Bounds{1, 2}, Bounds{2, kUnlimited}, Bounds{0, 1}}) {
      for (const Bounds chars : {Bounds{1, 2}, Bounds{2, kUnlimited}}) {
        const Matcher matcher(Make(items, marked, chars));
        for (std::uint32_t n = 0; n < 6 * 4 * 4; ++n) {
          const std::uint32_t plain = n % 6, marks = n / 6 % 4, length = n / 24;
          const std::string text = "[" + Repeat(plain % 2 ? "a" : "(bb)", plain) +
                                   Repeat("ç", marks) + "]\"" + Repeat("ş", length) + "\"";
          EXPECT_EQ(Follows(matcher, text), items.Contains(plain + marks) &&
                                                marked.Contains(marks) && chars.Contains(length));
        }
      }
    }
  }
}

// Every accepted beginning can be continued to a whole text: no dead ends inside of characters.
TEST(Counters, ChecksBeforeACharacterBegins) {
  Matcher matcher(Make({0, 2}, {1, 1}, {0, 1}));
  EXPECT(matcher.Advance("[ç") && matcher.Accepts("a") && matcher.Accepts("]"));
  EXPECT(!matcher.Accepts("\xC3"));  // the first byte of ç
  EXPECT(matcher.Advance("(b)") && !matcher.Accepts("a") && !matcher.Accepts("("));
  EXPECT(matcher.Advance("]\"\xC5") && !matcher.Accepts("\"") && matcher.Advance("\x9F"));
  EXPECT(!matcher.Accepts("\xC5") && matcher.Advance("\"") && matcher.CanEnd());
}

std::vector<std::string> Tokens() {
  std::vector<std::string> tokens = {"\"", "]", "]\"", "[", "ç", "\xC3", "\xA7", "(", ")", "(b)"};
  for (std::uint32_t n = 1; n <= 8; ++n) tokens.push_back(Repeat("a", n));
  for (std::uint32_t n = 1; n <= 3; ++n) tokens.push_back(Repeat("aç", n) + "]\"");
  for (std::uint32_t n = 1; n <= 4; ++n) tokens.push_back(Repeat("ç", n) + "\"");
  return tokens;
}

// Masks are shared by states that differ in counts; each must be right for all of them.
TEST(Counters, MasksAreWhatAcceptsSays) {
  const std::vector<std::string> tokens = Tokens();
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    const auto below = [&random](std::uint32_t n) {
      return static_cast<std::uint32_t>(random() % n);
    };
    const auto bounds = [&below] {
      const std::uint32_t min = below(25);
      return Bounds{min, below(3) > 0 ? min + below(20) : kUnlimited};
    };
    const TokenTrie trie(tokens);
    Matcher matcher(Make(bounds(), {below(3), below(2) > 0 ? kUnlimited : 30}, bounds()));
    for (int step = 0; step < 60; ++step) {
      const auto mask = trie.Allowed(&matcher);
      ASSERT(mask);
      std::vector<std::size_t> next;
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        const bool accepted = matcher.Accepts(tokens[t]);
        EXPECT_EQ((*mask)->Contains(static_cast<Token>(t)), accepted);
        if (accepted) next.push_back(t);
      }
      if (next.empty()) break;
      matcher.Advance(tokens[next[random() % next.size()]]);
    }
  }
}

// The number of different masks on the way through `length` characters of a string of up to `max`.
std::size_t NumMasks(std::uint32_t max, std::uint32_t length) {
  const std::vector<std::string> tokens = Tokens();
  const TokenTrie trie(tokens);
  Matcher matcher(Make({0, 9}, {}, {max / 2, max}));
  EXPECT(matcher.Advance("[]\""));
  std::set<const TokenMask*> masks;
  std::vector<std::shared_ptr<const TokenMask>> alive;
  for (std::uint32_t n = 0; n < length; ++n) {
    alive.push_back(*trie.Allowed(&matcher));
    masks.insert(alive.back().get());
    EXPECT(matcher.Advance("x"));
  }
  return masks.size();
}

TEST(Counters, WideWindowsCostNoMoreMasks) {
  const std::size_t few = NumMasks(100, 100);
  EXPECT(few > 10 && few < 50);
  EXPECT_EQ(NumMasks(10'000, 10'000), few);
  EXPECT_EQ(NumMasks(1'000'000, 10'000), 1U);
}

// Without bounds that can still matter, counts are forgotten: the memo does not grow.
TEST(Counters, CountsThatCannotMatterAreForgotten) {
  const auto grammar = Make({3, kUnlimited}, {1, kUnlimited}, {2, kUnlimited});
  Matcher matcher(grammar);
  EXPECT(matcher.Advance("[aaç(bb)"));
  const std::size_t bytes = grammar->ByteSize();
  EXPECT(matcher.Advance(Repeat("aç(bbb)", 3000)));
  EXPECT_EQ(grammar->ByteSize(), bytes);
}

TEST(Counters, FullMemosKeepCounts) {
  ProgramWriter w;
  const Sub root = w.NewSub();
  const Pc loop = w.Reserve();
  Loop(&w, 0, {60'000, 60'000}, w.Byte({'a', 'z'}, loop), loop, kReturnPc);
  w.SetEntry(root, loop, false);
  const auto grammar = std::make_shared<Grammar>(std::move(*w.Finish(root)), 100'000);
  Matcher matcher(grammar);
  for (int i = 0; i < 600; ++i) ASSERT(matcher.Advance(std::string(100, 'x')));
  EXPECT(matcher.CanEnd() && !matcher.Accepts("x"));
  EXPECT(grammar->ByteSize() < 400'000);
}

}  // namespace
}  // namespace sentiric::grammar
