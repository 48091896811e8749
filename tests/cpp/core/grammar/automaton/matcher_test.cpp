// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/matcher.h"
#include "core/grammar/gbnf/compile_gbnf.h"

#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "json_grammar.h"

namespace sentiric::grammar {
namespace {

std::shared_ptr<const Grammar> Make(const std::string& gbnf,
                                    const Limits& limits = Limits::ForClient()) {
  auto grammar = CompileGbnf(gbnf, limits);
  EXPECT_EQ(grammar ? "" : grammar.error().Message(), "");
  return grammar ? *grammar : *CompileGbnf("root ::= \"\"", limits);
}

std::string Repeat(const std::string& text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

// Whether the grammar matches the whole text; tries every prefix, byte by byte.
bool Follows(Matcher matcher, const std::string& text) {
  for (char c : text) {
    if (!matcher.Advance(std::string(1, c))) return false;
  }
  return matcher.CanEnd();
}

TEST(Matcher, MovesOnlyWhenAccepted) {
  Matcher matcher(Make("root ::= \"abc\" [0-9]+"));
  EXPECT(!matcher.CanEnd());
  EXPECT(matcher.Accepts("abc1") && matcher.Accepts("ab") && matcher.Accepts(""));
  EXPECT(!matcher.Accepts("abd") && !matcher.Accepts("abc1x"));
  EXPECT(matcher.Advance("ab"));
  EXPECT(!matcher.Advance("ab"));
  Matcher copy = matcher;
  EXPECT(matcher.Advance("c7") && matcher.CanEnd());
  EXPECT(!copy.CanEnd() && copy.Accepts("c") && !copy.Accepts("7"));
  EXPECT(!matcher.BudgetExceeded() && !matcher.error());
}

TEST(Matcher, CharactersMayBeSplit) {
  Matcher matcher(Make("root ::= [ıİşğ]{2} [^a-z] ."));
  EXPECT(matcher.Advance("\xC4"));
  EXPECT(!matcher.Accepts("x") && !matcher.Accepts("\xB2") && !matcher.CanEnd());
  EXPECT(matcher.Advance("\xB1"));      // ı
  EXPECT(matcher.Advance("\xC5\x9F"));  // ş
  EXPECT(!matcher.Accepts("k"));
  Matcher emoji = matcher;
  EXPECT(emoji.Advance("\xF0\x9F") && emoji.Advance("\x98") && emoji.Advance("\x80"));  // U+1F600
  EXPECT(emoji.Advance("\n") && emoji.CanEnd());
  EXPECT(matcher.Advance("Ü") && matcher.Advance("\U0010FFFF") && matcher.CanEnd());
}

TEST(Matcher, OnlyWellFormedUtf8) {
  const Matcher matcher(Make("root ::= [^a]*"));
  for (const char* good : {"\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT(Follows(matcher, good));
  }
  for (const char* bad :
       {"a", "\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5", "\xFF", "\xC4z"}) {
    EXPECT(!Follows(matcher, bad));
  }
}

TEST(Matcher, Json) {
  const Matcher matcher(Make(kJsonObject));
  for (const char* good :
       {"{}", "{ }", R"({"a":1})",
        R"({"a": [1, -2.5e+3, "x\n\u0131", true, null, {}, []], "ş": {"b": false}})",
        "{\n\n  \"a\": 0}"}) {
    EXPECT(Follows(matcher, good));
  }
  for (const char* bad : {"", "[]", "{", "{} ", R"({"a"})", R"({"a":01})", R"({"a":1,})",
                          R"({"a":"\x"})", "{\"a\":\"\n\"}", R"({"a":[1 2]})"}) {
    EXPECT(!Follows(matcher, bad));
  }
  EXPECT(Follows(matcher, "{\"a\": " + Repeat("[", 300) + Repeat("]", 300) + "}"));
  EXPECT(!Follows(matcher, "{\"a\": " + Repeat("[", 300) + Repeat("]", 299) + "}"));
}

TEST(Matcher, SchemaText) {
  const Matcher matcher(Make(kJsonPerson, Limits::ForSchema()));
  const std::string head =
      R"({"name": "Ayşe", "age": 42, "tags": ["mavi","yeşil"], "id": "0123abcd-0123-0123-0123-0123456789ab")";
  EXPECT(Follows(matcher, head + "}"));
  EXPECT(
      Follows(matcher, head + R"(, "city": "İzmir", "zip": "35000-1234", "x": "y", "agx": ""})"));
  EXPECT(!Follows(matcher, head + R"(, "age": "y"})"));
  EXPECT(!Follows(matcher, head + R"(, "zip": "35000", "city": 1})"));
  EXPECT(!Follows(matcher, R"({"name": "", "age": 42)"));
  EXPECT(!Follows(matcher, R"({"name": "x", "age": 151)"));
  EXPECT(!Follows(matcher, R"({"name": ")" + Repeat("ş", 41)));
  Matcher at_limit = matcher;
  EXPECT(at_limit.Advance(R"({"name": ")" + Repeat("ş", 40)) && !at_limit.Accepts("x") &&
         at_limit.Accepts("\""));
}

TEST(Matcher, RepeatsExactly) {
  const Matcher matcher(Make("root ::= (\"a\" [bç]?){3,5} \"x\"{2,}"));
  for (int a = 0; a <= 7; ++a) {
    for (int x = 0; x <= 4; ++x) {
      EXPECT_EQ(Follows(matcher, Repeat("a", a) + Repeat("x", x)), a >= 3 && a <= 5 && x >= 2);
      EXPECT_EQ(Follows(matcher, Repeat("aç", a) + Repeat("x", x)), a >= 3 && a <= 5 && x >= 2);
    }
  }
}

TEST(Matcher, RepeatedEmptyItemsAreExactAndCheap) {
  const Matcher bounded(Make("root ::= (\"a\"?){0,1000}", Limits::ForSchema()));
  EXPECT(Follows(bounded, "") && Follows(bounded, Repeat("a", 1000)) &&
         !Follows(bounded, Repeat("a", 1001)));
  const Matcher least(Make("root ::= (\"a\"?){3,4}", Limits::ForSchema()));
  EXPECT(Follows(least, "") && Follows(least, "aaaa") && !Follows(least, "aaaaa"));
  const Matcher stars(
      Make("root ::= ([a-z]* [a-z]* [a-z]* [a-z]* [a-z]* [a-z]* [a-z]* [a-z]*)* \"!\"",
           Limits::ForSchema()));
  EXPECT(Follows(stars, Repeat("abc", 1000) + "!") && !Follows(stars, "aB!"));
  const Matcher nothing(Make("root ::= ()* (\"\" | ()+)* \"b\"", Limits::ForSchema()));
  EXPECT(Follows(nothing, "b") && !Follows(nothing, ""));
}

TEST(Matcher, AmbiguityIsPolynomial) {
  // Each level may return to three places: 3^200 stacks if they were kept apart.
  const Matcher matcher(
      Make("root ::= term \"+\" root | term \"-\" root | term\nterm ::= \"(\" root \")\" | [0-9]"));
  EXPECT(Follows(matcher, Repeat("(", 200) + "1" + Repeat(")-2", 200)));
  const Matcher calls(Make("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\""));
  EXPECT(Follows(calls, Repeat("a", 101) + Repeat("bc", 50)) &&
         !Follows(calls, Repeat("a", 101) + Repeat("bc", 51)));
}

TEST(Matcher, RightRecursionDoesNotGrow) {
  const auto grammar =
      Make("root ::= \"a\" root | \"b\" item\nitem ::= [0-9] item | \";\" root | \"$\"");
  Matcher matcher(grammar);
  EXPECT(matcher.Advance("aab12;a"));
  const std::size_t bytes = grammar->ByteSize();
  EXPECT(matcher.Advance(Repeat("aab12;a", 5000)));
  EXPECT_EQ(grammar->ByteSize(), bytes);
}

TEST(Matcher, EndsPathologicalWorkByBudget) {
  // 400 x 400 counts are all possible at once.
  const auto grammar = Make("root ::= (([a-z]+){0,400} [a-z]+){0,400} \"!\"");
  Matcher matcher(grammar);
  while (!matcher.BudgetExceeded() && matcher.Advance("abcdefghij")) {
  }
  EXPECT(matcher.BudgetExceeded());
  ASSERT(matcher.error());
  EXPECT_EQ(matcher.error()->code, ErrorCode::kGrammarTooComplex);
  EXPECT(!matcher.Accepts("a") && !matcher.Advance("a") && !matcher.CanEnd() && !matcher.Forced(9));
  Matcher other(grammar);
  EXPECT(other.Advance("abc!") && other.CanEnd());
  Matcher poor(Make(kJsonObject), 20);
  EXPECT(!poor.Advance("{\"a\": [{\"b\": 1}]}") && poor.BudgetExceeded());
}

TEST(Matcher, ForcedTextEndsAtChoices) {
  Matcher matcher(Make("root ::= \"{\\\"name\\\": \" (\"true\" | \"tru\" \"th\") \"çş\"{2} [ab]"));
  EXPECT_EQ(matcher.Forced(100).value_or("?"), "{\"name\": tru");
  EXPECT_EQ(matcher.Forced(3).value_or("?"), "{\"n");
  EXPECT(matcher.Advance("{\"name\": truth"));
  EXPECT_EQ(matcher.Forced(100).value_or("?"), "çşçş");
  EXPECT(matcher.Advance("çşçş"));
  EXPECT(!matcher.Forced(100));
  EXPECT(matcher.Advance("a") && matcher.CanEnd() && !matcher.Forced(100));
  EXPECT_EQ(Matcher(Make("root ::= \"abc\" \"d\"?")).Forced(100).value_or("?"), "abc");
}

TEST(Matcher, FullMemosAreReplaced) {
  const auto compiled = Make(kJsonObject);
  Matcher matcher(compiled);
  Matcher waiting(compiled);
  ASSERT(matcher.Advance("{\"k\": ") && waiting.Advance("{\"a\": [{\"b\": \"x"));
  // Each depth is a state of its own: a row of memo each.
  const auto first = compiled->automaton();
  std::size_t most = 0;
  for (int i = 0; i < 40'000; ++i) {
    ASSERT(matcher.Advance("["));
    most = std::max(most, compiled->ByteSize());
  }
  EXPECT(compiled->automaton() != first);
  EXPECT(most < 2 * Grammar::kMaxMemoBytes);
  EXPECT(matcher.Advance("1") && matcher.Advance(Repeat("]", 39'999)) && !matcher.Accepts("}"));
  EXPECT(matcher.Advance("]}") && matcher.CanEnd());
  EXPECT(waiting.Advance("y\"}]}") && waiting.CanEnd());
}

TEST(Matcher, TooDeepForAnyMemoFails) {
  Matcher matcher(Make("root ::= \"(\" root \")\" | \"x\""));
  int calls = 0;
  while (calls < 2000 && matcher.Advance(Repeat("(", 1000))) ++calls;
  EXPECT(matcher.BudgetExceeded() && calls > 50 && calls < 2000);
}

// Each of these texts needs more than half of a memo: what another has written there says nothing
// about this one.
TEST(Matcher, OthersThatFillTheMemoFailNobody) {
  const auto grammar = Make(kJsonObject);
  Matcher first(grammar), second(grammar);
  ASSERT(first.Advance("{\"k\": ") && second.Advance("{\"k\": "));
  for (int i = 0; i < 50; ++i)
    ASSERT(first.Advance(Repeat("[", 1000)) && second.Advance(Repeat("{\"a\":", 1000)));
  ASSERT(first.Advance("1") && second.Advance("1"));
  for (int i = 0; i < 50; ++i)
    ASSERT(first.Advance(Repeat("]", 1000)) && second.Advance(Repeat("}", 1000)));
  EXPECT(first.Advance("}") && first.CanEnd() && second.Advance("}") && second.CanEnd());
}

TEST(Matcher, ThreadsShareAGrammar) {
  const auto grammar = Make(kJsonObject);
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (std::size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        Matcher matcher(grammar);
        const std::string depth = Repeat("[", i + static_cast<int>(t) * 10);
        good[t] += matcher.Advance("{\"a\": " + depth + "\"x\"") &&
                   matcher.Advance(Repeat("]", static_cast<int>(depth.size())) + "}") &&
                   matcher.CanEnd();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int n : good) EXPECT_EQ(n, 50);
}

TEST(Matcher, FindsTheShortestEnd) {
  Matcher matcher(Make("root ::= \"a\" [a-z]* \"bcd\" | \"x\""));
  EXPECT_EQ(matcher.ShortestEnd(1000).value_or("none"), "x");
  EXPECT(matcher.Advance("aq"));
  EXPECT_EQ(matcher.ShortestEnd(1000).value_or("none"), "bcd");
  EXPECT(matcher.Advance("b"));
  EXPECT_EQ(matcher.ShortestEnd(1000).value_or("none"), "cd");
  EXPECT(!matcher.ShortestEnd(2));
  EXPECT(matcher.Advance("cd"));
  EXPECT_EQ(matcher.ShortestEnd(1).value_or("none"), "");
}

}  // namespace
}  // namespace sentiric::grammar
