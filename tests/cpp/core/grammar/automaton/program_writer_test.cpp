// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/program_writer.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "core/grammar/automaton/matcher.h"

namespace sentiric::grammar {
namespace {

// A writer with one subroutine, the root.
struct Text {
  explicit Text(const ProgramLimits& limits = {}) : writer(limits), root(writer.NewSub()) {}

  Result<Program> Finish(Pc entry, bool nullable = false) {
    writer.SetEntry(root, entry, nullable);
    return writer.Finish(root);
  }
  Matcher Match(Pc entry, bool nullable = false) {
    auto program = Finish(entry, nullable);
    EXPECT_EQ(program ? "" : program.error().Message(), "");
    return Matcher(std::make_shared<Grammar>(std::move(*program)));
  }

  ProgramWriter writer;
  Sub root;
};

bool Follows(Matcher matcher, const std::string& text) {
  return matcher.Advance(text) && matcher.CanEnd();
}

TEST(ProgramWriter, TextBytesAndChoices) {
  Text t;
  const Pc digits = t.writer.Reserve();
  t.writer.Bind(digits, t.writer.Split({kReturnPc, t.writer.Byte({'0', '9'}, digits)}));
  const Pc entry = t.writer.Split(
      {t.writer.Text("ab", digits), t.writer.Text("ac", kReturnPc),
       t.writer.Bytes({{'x', 'x', digits}, {'z', 'z', kReturnPc}, {'y', 'y', digits}})});
  const Matcher matcher = t.Match(entry);
  for (const char* good : {"ab", "ab12", "ac", "x9", "y", "z"}) EXPECT(Follows(matcher, good));
  for (const char* bad : {"", "a", "ac1", "z1", "b", "w"}) EXPECT(!Follows(matcher, bad));
}

TEST(ProgramWriter, SharesEqualCode) {
  Text t;
  ProgramWriter& w = t.writer;
  EXPECT_EQ(w.Text("tail", kReturnPc), w.Text("tail", kReturnPc));
  EXPECT_EQ(w.Split({w.Text("a", kEndPc), kReturnPc}), w.Split({kReturnPc, w.Text("a", kEndPc)}));
  EXPECT_EQ(w.Split({kEndPc, kEndPc}), kEndPc);
  EXPECT_EQ(w.Bytes({{'c', 'd', kReturnPc}, {'a', 'b', kReturnPc}}), w.Byte({'a', 'd'}, kReturnPc));
  EXPECT_EQ(w.Bytes({{'c', 'd', kReturnPc}, {'a', 'b', kEndPc}}),
            w.Bytes({{'a', 'b', kEndPc}, {'c', 'd', kReturnPc}}));
  EXPECT_EQ(w.Chars({{0, kMaxCodePoint}}, kEndPc), w.Chars({{0, kMaxCodePoint}}, kEndPc));
  EXPECT(w.Count(0, 5, kEndPc) != w.Count(1, 5, kEndPc));
  EXPECT(w.Count(0, 5, kEndPc) != w.AtLeast(0, 5, kEndPc));
  EXPECT_EQ(w.AtLeast(0, 0, kEndPc), kEndPc);
}

TEST(ProgramWriter, SharesEqualCodeAmongMuch) {
  Text t;
  std::vector<Pc> first, second;
  for (std::vector<Pc>* pcs : {&first, &second}) {
    Pc next = kReturnPc;
    for (int i = 0; i < 20'000; ++i) {
      const auto byte = static_cast<std::uint8_t>(i % 251);
      next = i % 3 == 0 ? t.writer.Split({next, kEndPc}) : t.writer.Byte({byte, byte}, next);
      pcs->push_back(next);
    }
  }
  EXPECT(first == second);
}

TEST(ProgramWriter, KeepsCharactersApartByWhatFollows) {
  Text t;
  const std::vector<CodeRange> all = {{0, kMaxCodePoint}}, some = {{'a', 'z'}, {0xE9, 0x20AC}};
  const Pc end = t.writer.Text("!", kReturnPc);
  const Pc entry =
      t.writer.Split({t.writer.Chars(some, end), t.writer.Text("?", t.writer.Chars(all, end)),
                      t.writer.Text("=", t.writer.Chars(some, kReturnPc))});
  const Matcher matcher = t.Match(entry);
  for (const char* good : {"a!", "é!", "€!", "?é!", "?😀!", "?0!", "=é", "=z"})
    EXPECT(Follows(matcher, good));
  for (const char* bad : {"a", "0!", "😀!", "?é", "=😀", "=é!", "=0"})
    EXPECT(!Follows(matcher, bad));
}

TEST(ProgramWriter, CharactersAreWholeAndExact) {
  const std::vector<std::vector<CodeRange>> classes = {
      {{'a', 'f'}}, {{0x80, 0x7FF}}, {{'x', 'x'}, {0x131, 0x131}, {0x3000, 0x1F600}}};
  for (const std::vector<CodeRange>& ranges : classes) {
    Text t;
    const Matcher matcher = t.Match(t.writer.Chars(Normalize(ranges), kReturnPc));
    for (CodePoint c = 1; c <= kMaxCodePoint; c += c < 0x400 ? 1 : 97) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      bool is_in = false;
      for (const CodeRange range : ranges) is_in = is_in || (range.first <= c && c <= range.last);
      std::string text;
      AppendUtf8(c, &text);
      EXPECT_EQ(Follows(matcher, text), is_in);
    }
  }
}

TEST(ProgramWriter, CallsReturnAndRecurse) {
  Text t;
  const Sub nested = t.writer.NewSub();
  const Pc close = t.writer.Text(")", kReturnPc);
  t.writer.SetEntry(
      nested, t.writer.Split({t.writer.Text("(", t.writer.Call(nested, close)), kReturnPc}), true);
  const Matcher matcher = t.Match(t.writer.Call(nested, t.writer.Text("!", kReturnPc)));
  for (const char* good : {"!", "()!", "((()))!"}) EXPECT(Follows(matcher, good));
  for (const char* bad : {"", "(!", "(()!", "())!"}) EXPECT(!Follows(matcher, bad));
}

TEST(ProgramWriter, RepeatsNoMoreThanTheMaximum) {
  for (std::uint32_t max : {0u, 1u, 2u}) {
    Text t;
    const Sub body = t.writer.NewSub();
    t.writer.SetEntry(body, t.writer.Text("ab", kReturnPc), false);
    const Matcher matcher = t.Match(t.writer.Repeat({body, 0, max}, t.writer.Text(".", kReturnPc)));
    EXPECT(Follows(matcher, "."));
    EXPECT_EQ(Follows(matcher, "ab."), max >= 1);
    EXPECT_EQ(Follows(matcher, "abab."), max >= 2);
    EXPECT(!Follows(matcher, "ababab."));
  }
}

TEST(ProgramWriter, JumpsInACircleMatchNothing) {
  Text t;
  const Pc one = t.writer.Reserve();
  const Pc two = t.writer.Reserve();
  const Pc unbound = t.writer.Reserve();
  t.writer.Bind(one, two);
  t.writer.Bind(two, one);
  const Matcher matcher = t.Match(
      t.writer.Split({t.writer.Text("a", one), t.writer.Text("b", unbound), t.writer.Nothing(),
                      t.writer.Text("c", t.writer.Nothing()), t.writer.Text("d", kReturnPc)}));
  EXPECT(Follows(matcher, "d"));
  for (const char* bad : {"", "a", "b", "c"}) EXPECT(!Follows(matcher, bad));
}

TEST(ProgramWriter, RefusesWhatIsTooLarge) {
  ProgramLimits limits;
  limits.elements = 100;
  Text fits(limits);
  EXPECT(fits.Finish(fits.writer.Text(std::string(90, 'x'), kReturnPc)));
  Text t(limits);
  const Pc entry = t.writer.Text(std::string(1000, 'x'), kReturnPc);
  EXPECT(t.writer.Full());
  t.writer.Bind(t.writer.Reserve(), entry);
  t.writer.SetEntry(t.writer.NewSub(), t.writer.Bytes({{1, 2, entry}, {4, 4, entry}}), false);
  const auto program = t.Finish(t.writer.Split({entry, t.writer.Call(t.root, entry)}));
  ASSERT(!program);
  EXPECT_EQ(program.error().code, ErrorCode::kInvalidGrammar);
  EXPECT_EQ(program.error().Message(),
            "[grammar] the grammar is too large; got more than 100 elements, allowed 100");
}

TEST(ProgramWriter, RefusesLeftRecursion) {
  Text t;
  const Sub other = t.writer.NewSub();
  t.writer.SetEntry(other, t.writer.Count(0, 3, t.writer.Call(t.root, kReturnPc)), false);
  const auto program =
      t.Finish(t.writer.Split({t.writer.Call(other, kReturnPc), t.writer.Text("x", kReturnPc)}));
  ASSERT(!program);
  EXPECT_EQ(program.error().code, ErrorCode::kInvalidGrammar);
}

TEST(ProgramWriter, RefusesLongChains) {
  ProgramLimits limits;
  limits.chain = 10;
  for (const int length : {9, 10}) {
    Text t(limits);
    Pc entry = t.writer.Text("x", kReturnPc);
    for (int i = 0; i < length; ++i) {
      const Sub sub = t.writer.NewSub();
      t.writer.SetEntry(sub, entry, false);
      entry = t.writer.Call(sub, kReturnPc);
    }
    EXPECT_EQ(t.Finish(entry).ok(), length == 9);
  }
}

// Leading code that subroutines share is known to all of them.
TEST(ProgramWriter, OrdersCallsThroughSharedCode) {
  Text t;
  const Sub leaf = t.writer.NewSub();
  t.writer.SetEntry(leaf, t.writer.Split({t.writer.Text("l", kReturnPc), kReturnPc}), true);
  const Pc shared = t.writer.Call(leaf, t.writer.Text("s", kReturnPc));
  const Sub one = t.writer.NewSub();
  t.writer.SetEntry(one, shared, false);
  const Sub two = t.writer.NewSub();
  t.writer.SetEntry(two, t.writer.Split({shared, t.writer.Call(one, kReturnPc)}), false);
  const Matcher matcher =
      t.Match(t.writer.Split({t.writer.Call(one, t.writer.Text("1", kReturnPc)),
                              t.writer.Call(two, t.writer.Text("2", kReturnPc))}));
  for (const char* good : {"s1", "s2", "ls1", "ls2"}) EXPECT(Follows(matcher, good));
  for (const char* bad : {"s", "l1", "lls1"}) EXPECT(!Follows(matcher, bad));
}

}  // namespace
}  // namespace sentiric::grammar
