// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf/gbnf_parser.h"

#include <string>

#include "check.h"
#include "core/grammar/automaton/grammar.h"
#include "core/grammar/automaton/matcher.h"
#include "core/grammar/gbnf/compile_gbnf.h"

namespace sentiric::grammar {
namespace {

// Whether the grammar matches the whole of `text`.
bool Matches(const std::string& gbnf, std::string_view text) {
  const auto grammar = CompileGbnf(gbnf, Limits::ForClient());
  if (!EXPECT_EQ(grammar ? "" : grammar.error().Message(), "")) return false;
  Matcher matcher(*grammar);
  return matcher.Advance(text) && matcher.CanEnd();
}

// "LINE:COL what" of the refusal, "" when the text compiles.
std::string Refusal(const std::string& gbnf, const Limits& limits = Limits::ForClient()) {
  const auto grammar = CompileGbnf(gbnf, limits);
  if (grammar) return "";
  EXPECT_EQ(grammar.error().code, ErrorCode::kInvalidGrammar);
  EXPECT_EQ(grammar.error().where.substr(0, 8), "grammar:");
  return grammar.error().where.substr(8) + " " + grammar.error().what;
}

std::string Times(const std::string& text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

bool StartsWith(const std::string& text, const std::string& start) {
  return EXPECT_EQ(text.substr(0, start.size()), start);
}

TEST(Gbnf, Literals) {
  EXPECT(Matches(R"(root ::= "abc")", "abc"));
  EXPECT(!Matches(R"(root ::= "abc")", "ab"));
  EXPECT(!Matches(R"(root ::= "abc")", "abcd"));
  EXPECT(Matches(R"(root ::= "a" "" "b")", "ab"));
  EXPECT(Matches(R"(root ::= "")", ""));
  EXPECT(Matches(R"(root ::= "\n\t\r\\\"\[\]\-\x41\u0131\U0001F600")",
                 "\n\t\r\\\"[]-A\u0131\U0001F600"));
  EXPECT(Matches(R"(root ::= "\uD83D\uDE00")", "\U0001F600"));
  EXPECT(Matches("root ::= \"çğıöşü\"", "çğıöşü"));
  EXPECT(Matches(R"(root ::= "\xe9")", "é"));
  EXPECT(Matches("root ::= \"a\nb\"", "a\nb"));
}

TEST(Gbnf, Classes) {
  EXPECT(Matches("root ::= [a-c]", "b"));
  EXPECT(!Matches("root ::= [a-c]", "d"));
  EXPECT(Matches("root ::= [-+]", "-") && Matches("root ::= [+-]", "-"));
  EXPECT(Matches(R"(root ::= [\]\-\\\n])", "]") && Matches(R"(root ::= [\]\-\\\n])", "\n"));
  EXPECT(Matches("root ::= [a^]", "^"));
  EXPECT(Matches("root ::= [ç-ş]", "ı") && !Matches("root ::= [ç-ş]", "u"));
  EXPECT(Matches("root ::= [^a]", "b") && Matches("root ::= [^a]", "\u0131") &&
         !Matches("root ::= [^a]", "a"));
  EXPECT(Matches("root ::= .", "\n") && Matches("root ::= .", "\U0010FFFF"));
  EXPECT(Matches("root ::= [^]", "x"));
  EXPECT(Matches(R"(root ::= [\U00000000-\U0010FFFF])", "ş"));
}

TEST(Gbnf, OperatorsAndGroups) {
  const std::string grammar = R"(root ::= "a"* ("b" | "c" "d")+ [e-f]? "g"{2} "h"{1,} "i"{0,2})";
  EXPECT(Matches(grammar, "bggh"));
  EXPECT(Matches(grammar, "aabcdbfgghhhii"));
  EXPECT(!Matches(grammar, "ggh") && !Matches(grammar, "bgh") && !Matches(grammar, "bggg"));
  EXPECT(!Matches(grammar, "bgghiii"));
  EXPECT(Matches("root ::= \"ab\"{2}", "abab"));
  EXPECT(Matches("root ::= \"a\" { 1 , 2 } \"b\"", "aab"));
  EXPECT(Matches("root ::= \"a\"{0} \"b\"", "b"));
  EXPECT(Matches("root ::= \"a\"?? \"b\"", "b"));
  EXPECT(Matches("root ::= () | (|\"a\")", "a"));
  EXPECT(Matches("root ::= \"a\"{3,5}{2}", "aaaaaaa") &&
         !Matches("root ::= \"a\"{3,5}{2}", "aaaaa"));
}

TEST(Gbnf, LinesCommentsAndRules) {
  EXPECT(
      Matches("# head\n\nroot ::=\n  a |\n\n  b # tail\r\na ::= \"x\"\r\nb ::= (\n \"y\"\n | # "
              "in\n \"z\"\n)",
              "z"));
  EXPECT(Matches("root::=a-1 B\na-1::=\"1\"\nB::=\"2\"", "12"));
  EXPECT(Matches("unused ::= \"u\"\nroot ::= | \"a\"\n", ""));
}

TEST(Gbnf, ErrorsNameTheirPlace) {
  StartsWith(Refusal(""), "1:1 no rule 'root'");
  StartsWith(Refusal("a ::= \"x\""), "1:1 no rule 'root'");
  EXPECT_EQ(Refusal("root ::= a\na ::= bc"),
            "2:7 rule is not defined; got 'bc', allowed the name of a rule in the text");
  StartsWith(Refusal("root = a"), "1:6 unexpected text; got '='");
  StartsWith(Refusal("my_rule ::= \"a\""), "1:3 unexpected text; got '_'");
  StartsWith(Refusal("root ::= \"a\"\n  | \"b\""), "2:3 unexpected text; got '|'");
  StartsWith(Refusal("root ::= \"abc"), "1:10 literal is not closed");
  StartsWith(Refusal("root ::= [abc"), "1:10 class is not closed");
  StartsWith(Refusal("root ::= [a-"), "1:11 class is not closed");
  StartsWith(Refusal("root ::= (\"a\"\n(\"b\""), "2:1 group is not closed");
  StartsWith(Refusal("root ::= \"a\")"), "1:13 no group is open");
  StartsWith(Refusal("root ::= *"), "1:10 nothing to repeat");
  StartsWith(Refusal("root ::= \"a\" | +"), "1:16 nothing to repeat");
  StartsWith(Refusal("root ::= \"a\"{,3}"), "1:14 unexpected text; got ','");
  StartsWith(Refusal("root ::= \"a\"{1"), "1:15 unexpected text; got the end of the text");
  StartsWith(Refusal("root ::= \"a\"{3,2}"), "1:13 bounds are reversed; got {3,2}");
  StartsWith(Refusal("root ::= \"\\q\""), "1:11 unknown escape; got \\ before 'q'");
  StartsWith(Refusal("root ::= \"\\x4\""), "1:11 escape is too short");
  StartsWith(Refusal("root ::= \"\\U00110000\""), "1:11 no such character; got U+110000");
  StartsWith(Refusal("root ::= \"\\uD800\""), "1:11 half a character");
  StartsWith(Refusal("root ::= \"\xff\""), "1:11 text is not valid UTF-8; got byte 0xFF");
  StartsWith(Refusal("root ::= \"çğ\" [z-a]"), "1:16 range is reversed");
  StartsWith(Refusal("root ::= []"), "1:10 class matches no character");
  StartsWith(Refusal("root ::= <[12]>"), "1:10 token references are not supported");
  StartsWith(Refusal("root ::= !<[12]>"), "1:10 token references are not supported");
  StartsWith(Refusal("root ::= \"a\"\n\nroot ::= \"b\""), "3:1 rule is defined twice; got 'root'");
  StartsWith(Refusal("root ::= \"a\" $"), "1:14 unexpected text; got '$'");
  StartsWith(Refusal(std::string("root ::= \0", 10)), "1:10 unexpected text; got U+0000");
}

TEST(GbnfLimits, HostileTextsAreRefused) {
  StartsWith(Refusal("root ::= " + Times("(", 60'000)),
             "1:74 groups are nested too deeply; got 65, allowed 64");
  StartsWith(Refusal("root ::= " + Times("(", 60'000) + Times(")", 60'000)),
             "1:1 text is too long; got 120009");
  EXPECT_EQ(Refusal("root ::= " + Times("(", 64) + "\"a\"" + Times(")", 64)), "");
  StartsWith(Refusal("root ::= \"a\"{0,1001}"),
             "1:16 repetition bound is too large; got 1001, allowed 1000");
  StartsWith(Refusal("root ::= \"a\"{99999999999999999999}"), "1:14 repetition bound is too large");
  EXPECT_EQ(Refusal("root ::= \"a\"{0,1000}"), "");
  StartsWith(Refusal("root ::= " + Times("a|", 30'000)), "1:10 rule is not defined");
  EXPECT_EQ(Refusal("root ::= " + Times("\"a\"|", 16'000) + "\"b\""), "");

  std::string rules = "root ::= a0\n";
  for (int i = 0; i < 2000; ++i) rules += "a" + std::to_string(i) + " ::= \"x\"\n";
  StartsWith(Refusal(rules), "2001:1 too many rules; got 2001, allowed 2000");

  std::string chain = "root ::= a0\n";
  for (int i = 0; i < 1500; ++i)
    chain += "a" + std::to_string(i) + " ::= a" + std::to_string(i + 1) + "\n";
  chain += "a1500 ::= \"x\"";
  StartsWith(Refusal(chain), "1438:1 too many rules are entered in a row before any character");
  for (int i = 1500; i < 200'000; ++i)
    chain += "\na" + std::to_string(i) + "b ::= a" + std::to_string(i + 1) + "b";
  StartsWith(Refusal(chain), "1:1 text is too long");
  Limits wide = Limits::ForSchema();
  wide.elements = 1000;
  StartsWith(Refusal("root ::= \"" + Times("a", 2000) + "\"", wide),
             "1:2012 grammar has too many elements");
  std::string classes = "root ::= ";
  for (int i = 0; i < 200; ++i) classes += "[^\\u" + std::to_string(1000 + i) + "] ";
  StartsWith(Refusal(classes, wide), "1:1 grammar has too many elements");
}

TEST(GbnfLimits, LeftRecursionIsRefused) {
  StartsWith(Refusal("root ::= root"), "1:10 left recursion; got 'root'");
  StartsWith(Refusal("root ::= \"a\" | root \"b\""), "1:16 left recursion; got 'root'");
  StartsWith(Refusal("root ::= a\na ::= \"x\" | b \"y\"\nb ::= a | \"z\""),
             "3:7 left recursion; got 'a'");
  StartsWith(Refusal("root ::= e \"x\" | \"y\"\ne ::= \"a\"* [b]? root \"z\""),
             "2:17 left recursion; got 'root'");
  StartsWith(Refusal("root ::= (\"a\"? root \"b\"){1,3} | \"c\""),
             "1:16 left recursion; got 'root'");
  EXPECT_EQ(Refusal("root ::= \"a\" root | \"b\""), "");
  EXPECT_EQ(Refusal("root ::= \"a\"+ root | \"b\""), "");
}

TEST(GbnfLimits, RepeatingNothingIsRefused) {
  StartsWith(Refusal("root ::= (\"a\"?){0,1000}"), "1:16 the repeated item can match nothing");
  StartsWith(Refusal("root ::= ([a-z]* [a-z]* [a-z]* [a-z]* [a-z]* [a-z]* [a-z]* [a-z]*)*"),
             "1:67 the repeated item");
  StartsWith(Refusal("root ::= a+ \"b\"\na ::= \"x\" | "), "1:11 the repeated item");
  StartsWith(Refusal("root ::= \"\"*"), "1:12 the repeated item");
  EXPECT_EQ(Refusal("root ::= (\"a\"?)? (\"b\"?){1}"), "");
}

TEST(GbnfLimits, EndlessRulesAreRefused) {
  StartsWith(Refusal("root ::= \"a\" root"), "1:1 rule can never end; got 'root'");
  StartsWith(Refusal("root ::= \"a\" | b\nb ::= \"(\" c \")\"\nc ::= \"x\" b"),
             "2:1 rule can never end; got 'b'");
  EXPECT_EQ(Refusal("root ::= \"a\" | b\nb ::= \"(\" b \")\"", Limits::ForSchema()), "");
  StartsWith(Refusal("root ::= b\nb ::= \"(\" b \")\"", Limits::ForSchema()),
             "1:1 rule can never end; got 'root'");
}

TEST(GbnfLimits, SchemaTextMayNestChainAndRepeat) {
  const Limits schema = Limits::ForSchema();
  EXPECT_EQ(Refusal("root ::= " + Times("(", 10'000) + "\"a\"" + Times(")", 10'000), schema), "");
  EXPECT_EQ(Refusal("root ::= " + Times("((\"a\"?)*)*", 5000), schema), "");
  EXPECT_EQ(Refusal("root ::= \"a\"{0,2147483646}", schema), "");
  std::string chain = "root ::= a0\n";
  for (int i = 0; i < 20'000; ++i)
    chain += "a" + std::to_string(i) + " ::= \"x\"? a" + std::to_string(i + 1) + "\n";
  chain += "a20000 ::= \"x\"";
  EXPECT_EQ(Refusal(chain, schema), "");
}

}  // namespace
}  // namespace sentiric::grammar
