// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/compile_pattern.h"

#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {
namespace {

using Texts = std::vector<const char*>;

void Check(const char* pattern, const Texts& found, const Texts& missing) {
  const Result<TextSet> set = PatternTexts(pattern);
  if (!EXPECT_EQ(set ? "" : set.error().Message(), "")) return;
  for (const char* text : found) {
    if (!Contains(*set, text)) EXPECT_EQ(std::string(pattern) + " in " + text, "found");
  }
  for (const char* text : missing) {
    if (Contains(*set, text)) EXPECT_EQ(std::string(pattern) + " in " + text, "not found");
  }
}

std::string Refusal(const std::string& pattern) {
  const Result<TextSet> set = PatternTexts(pattern);
  if (set) return "";
  EXPECT_EQ(set.error().code, ErrorCode::kInvalidGrammar);
  return set.error().what;
}

TEST(PatternTexts, FindsPartsAndAnchors) {
  Check("b", {"b", "abc", "bb"}, {"", "a"});
  Check("^b", {"b", "bc"}, {"ab", ""});
  Check("b$", {"b", "ab"}, {"bc", "b\n"});
  Check("^b$", {"b"}, {"bb", ""});
  Check("", {"", "a"}, {});
  Check("^$", {""}, {"a", "\n"});
  Check("a^b", {}, {"ab", "a\nb", "b"});
  Check("^a|b$", {"ax", "xb"}, {"xa", "bx"});
  Check("(^a|^)b$", {"ab", "b"}, {"cb", "aab"});
  Check("a(?:$|x)", {"a", "ba", "axb"}, {"ab"});
}

TEST(PatternTexts, AssertionsAtWordBoundaries) {
  Check("\\bfoo\\b", {"foo", "a foo!", "é foo", "éfoo"}, {"foob", "_foo", "1foo"});
  Check("\\Boo\\B", {"foox"}, {"foo", "oo", "oox"});
  Check("^a\\b.b$", {"a-b", "a b", "aéb"}, {"aab", "a_b", "ab"});
  Check("^(?:a\\B)*a$", {"a", "aaa"}, {"", "a a"});
  Check("^\\b", {"a"}, {"", "-"});
  Check("^\\B$", {""}, {"a", "-a"});
  Check("^[^x]\\b[^x]$", {"a-", "-a"}, {"aa", "--"});
}

TEST(PatternTexts, Quantifiers) {
  Check("^a*b+c?$", {"b", "aabbc"}, {"", "a", "bcc"});
  Check("^a{2}$", {"aa"}, {"a", "aaa"});
  Check("^a{2,}$", {"aa", "aaaaa"}, {"a"});
  Check("^a{1,3}?$", {"a", "aaa"}, {"", "aaaa"});
  Check("^(?:ab){0}$", {""}, {"ab"});
  Check("^(?:a*)*$", {"", "aaa"}, {"b"});
  Check("^(?:a|b?){2,3}c$", {"c", "aac", "abac"}, {"abab", "aaaac"});
  Check("^(?:(?:){1000000000})*a$", {"a"}, {""});
}

TEST(PatternTexts, ClassesAndEscapes) {
  Check("^[a-c-]$", {"a", "b", "-"}, {"d", ""});
  Check("^[^a-c]$", {"d", "é", "\n", "😀"}, {"a", ""});
  Check("^[]$", {}, {"", "a"});
  Check("^[^]$", {"a", "\n"}, {""});
  Check("^[\\]\\-\\b\\d]$", {"]", "-", "\b", "7"}, {"b", "\\"});
  Check("^.$", {"a", "😀", "\t"}, {"\n", "\r", "\u2028", "\u2029", ""});
  Check("^\\d\\D\\w\\W\\s\\S$", {"1a_- a"}, {"aa_- a", "1aé- a"});
  Check("^\\s$", {"\ufeff", "\u00a0", "\u3000", "\v"}, {"\u200b", "\u180e"});
  Check("^\\x41\\u0042\\u{1F600}\\uD83D\\uDE00\\cJ\\t$", {"AB😀😀\n\t"}, {});
  Check("^\\/\\.\\*$", {"/.*"}, {});
  Check("^(?<year>\\d{4})-(\\d\\d)$", {"2024-02"}, {"24-02"});
  Check("^[\\uD800-\\uDFFF]$", {}, {"a", "😀"});
}

TEST(PatternTexts, AcceptsWhatAllDialectsReadAlike) {
  Check("^\\-\\_\\@\\#\\:\\ \\\"$", {"-_@#: \""}, {});
  Check("^[\\w\\_\\@]+$", {"a_@"}, {"-"});
  Check("^{a}$", {"{a}"}, {});
  Check("^{}{ }]$", {"{}{ }]"}, {});
  Check("^a{1\\_$", {"a{1_"}, {});
  Check("^[\\w-.]$", {"a", "-", "."}, {"!"});
  Check("^[+-\\d]$", {"+", "-", "7"}, {","});
  // With the meaning of the flag u for what stands beside it.
  Check("^\\u{61}\\_$", {"a_"}, {"uu_"});
  Check("^\\p{Lu}]$", {"A]"}, {"p{Lu}]"});
}

TEST(PatternTexts, NamesWhatOtherDialectsWriteAndWhatToWrite) {
  const auto refused = [](const char* pattern, const std::string& got, const std::string& allowed) {
    const std::string refusal = Refusal(pattern);
    if (refusal.find("; got " + got + ", allowed " + allowed) == std::string::npos)
      EXPECT_EQ(refusal, std::string(pattern) + " is refused");
  };
  refused("a\\Z", "\\Z", "$ for the end");
  refused("\\Aa", "\\A", "^ for the start");
  refused("a\\z", "\\z", "$ for the end");
  refused("\\e", "\\e", "\\x1B");
  refused("\\y", "\\y", "y for the letter");
  refused("[\\B]", "\\B", "B for the letter");
  refused("\\c1", "\\c", "\\cA to \\cZ");
  refused("\\x4", "\\x", "\\xHH");
  refused("\\u12", "\\u", "\\uHHHH");
  refused("\\101", "\\101", "no references, or \\xHH");
  refused("\\012", "\\012", "\\xHH");
  refused("[\\1]", "\\1", "\\xHH");
  refused("(a)\\2", "\\2", "no references");
  refused("\\p{Foo}", "\\p{Foo}", "a property of ECMA-262");
  refused("x{,3}", "{,3}", "{0,3}, or \\{");
  refused("x{ 1, 3 }", "{ 1, 3 }", "{1,3}, or \\{");
  refused("x{1,2,3}", "{1,2,3}", "{m}, {m,} or {m,n}, or \\{");
  refused("x{1", "{1", "{1}, or \\{");
  refused("[[:alpha:]]", "[:alpha:]", "[A-Za-z] or \\p{L}");
  refused("[^_[:space:]]", "[:space:]", "\\s");
  refused("(?P<n>a)", "(?P<", "(?<");
  refused("(?@a)", "(?@", "(, (?:");
  const auto unsupported = [](const char* pattern, const std::string& what) {
    EXPECT_EQ(Refusal(pattern).find(what), 0U);
  };
  unsupported("(?i)a",
              "a flag at character 0 of the pattern (from 0) is not supported; leave it "
              "out; for (?i) write both cases: [aA]");
  unsupported("a(?>b)", "an atomic group at character 1 of the pattern (from 0) is not supported");
  unsupported("(?P=n)", "a back-reference at character 0");
  unsupported("(?#x)", "a comment at character 0");
}

TEST(PatternTexts, Properties) {
  Check("^\\p{Lu}\\P{Lu}$", {"Éa", "A1"}, {"aA"});
  Check("^\\p{Letter}\\p{gc=Nd}\\p{General_Category=Decimal_Number}$", {"é١2"}, {"1aa"});
  Check("^\\p{Script=Greek}\\p{sc=Cyrl}\\p{scx=Hira}$", {"αж\u3042", "αж\u30fc"}, {"aж\u3042"});
  Check("^\\p{Emoji_Presentation}[\\p{White_Space}]$", {"😀 "}, {"a "});
  Check("^[^\\p{L}\\p{N}]+$", {"-!😀"}, {"a", "1"});
  Check("^\\p{Any}\\p{ASCII}$", {"😀a"}, {"aé"});
  Check("^\\p{Cs}$", {}, {"a"});
}

TEST(PatternTexts, RefusesByNameAndPlace) {
  EXPECT_EQ(Refusal("a(?=b)"),
            "look-ahead at character 1 of the pattern (from 0) is not supported there; allowed "
            "behind ^, with parts of fixed length between them");
  EXPECT_EQ(Refusal("a(?!b)"),
            "look-ahead at character 1 of the pattern (from 0) is not supported there; allowed "
            "behind ^, with parts of fixed length between them");
  EXPECT_EQ(Refusal("(?<=b)a"),
            "look-behind at character 0 of the pattern (from 0) is not supported there; allowed "
            "before $, with parts of fixed length between them");
  EXPECT_EQ(Refusal("é(a)\\1"),
            "a back-reference at character 4 of the pattern (from 0) is not supported");
  EXPECT_EQ(Refusal("(?<n>a)\\k<n>"),
            "a back-reference at character 7 of the pattern (from 0) is not supported");
  EXPECT_EQ(Refusal("a\\_(?=b)"),
            "look-ahead at character 3 of the pattern (from 0) is not supported there; allowed "
            "behind ^, with parts of fixed length between them");
  EXPECT_EQ(Refusal("(a"), "an unterminated group at character 0 of the pattern (from 0)");
  EXPECT_EQ(Refusal("a)"), "a lone ) at character 1 of the pattern (from 0)");
  EXPECT_EQ(Refusal("[a"), "an unterminated class at character 0 of the pattern (from 0)");
  EXPECT_EQ(Refusal("a**"), "nothing to repeat at character 2 of the pattern (from 0)");
  EXPECT_EQ(Refusal("^*"), "nothing to repeat at character 1 of the pattern (from 0)");
  EXPECT_EQ(Refusal("{1}"), "nothing to repeat at character 0 of the pattern (from 0)");
  EXPECT_EQ(Refusal("^(?=a)*"), "nothing to repeat at character 6 of the pattern (from 0)");
  EXPECT_EQ(Refusal("a{2,1}"), "numbers out of order at character 1 of the pattern (from 0)");
  EXPECT_EQ(Refusal("[b-a]"), "a range out of order at character 1 of the pattern (from 0)");
  EXPECT_EQ(Refusal("a\\"), "a backslash at the end at character 1 of the pattern (from 0)");
  EXPECT_EQ(Refusal("(?<1>a)"),
            "an invalid name of a group at character 0 of the pattern (from 0)");
  EXPECT_EQ(Refusal("(?<n>a)(?<n>b)"),
            "a second group of the same name at character 7 of the pattern (from 0)");
  EXPECT_EQ(Refusal("\xFF"), "not valid UTF-8");
}

TEST(PatternTexts, LooksAroundFromTheEndsOfTheText) {
  Check("^(?!foo)[a-z]+$", {"bar", "fo", "barfoo"}, {"foo", "foobar", ""});
  Check("^(?=.*\\d)(?=.*[a-z])\\w{3,}$", {"a1b", "1ab"}, {"abc", "123", "a1"});
  Check("^(?!-)(?!.*--)[a-z-]{1,50}(?<!-)$", {"a", "a-b"}, {"-a", "a-", "a--b", ""});
  Check("^ab(?=cd)", {"abcd", "abcde"}, {"abc", "ab"});
  Check("^ab(?!$)", {"abc"}, {"ab"});
  Check("(?<=a\\b)-$", {"a-", "xa-"}, {"-", "b-"});
  Check("^(?!a|b$)|^a$", {"", "a", "bc"}, {"b", "ab"});
  EXPECT(RegexTexts("(?!a)[ab]")->texts == Dfa::Of({"b"}));
  EXPECT(PatternTexts("^(?!a)[ab]{2,99}$")->length == (LengthWindow{2, 99}));
}

TEST(PatternTexts, HostilePatternsEndInARefusal) {
  const std::string deep(100'000, '(');
  EXPECT_EQ(Refusal(deep), "too long; got 100000 bytes, allowed 65536");
  EXPECT_EQ(Refusal(deep.substr(0, 60'000)),
            "a group deeper than 250 at character 250 of the pattern (from 0) is not supported");
  std::string nested = "a";
  for (int i = 0; i < 250; ++i) nested = "(" + nested + ")*";
  EXPECT_EQ(Refusal(nested), "");
  std::string doubled = "a";
  for (int i = 0; i < 20; ++i) doubled = "(?:" + doubled + "){1000}";
  EXPECT_EQ(Refusal(doubled),
            "too many repetitions in the pattern; got 200001 or more, allowed 200000; make the "
            "pattern smaller or lower its bounds");
  EXPECT(Refusal("^[ab]*a[ab]{20}$").find("too many states") == 0);
  EXPECT(Refusal("(?:\\b){1000000000}x").find("too many repetitions") == 0);
  EXPECT(Refusal("^(?:.{0,900}a){90}$").find("too many") == 0);
}

TEST(PatternTexts, ManyRepetitionsOfOnePartAreAWindow) {
  const auto check = [](const char* pattern, std::uint32_t states, LengthWindow window) {
    const Result<TextSet> set = PatternTexts(pattern);
    if (!EXPECT(set.ok())) return;
    EXPECT_EQ(set->texts.size(), states);
    EXPECT_EQ(set->length.min, window.min);
    EXPECT_EQ(set->length.max, window.max);
  };
  check("^[a-z]{0,50000}$", 1, {0, 50'000});
  check("^.{1,1000000}$", 1, {1, 1'000'000});
  check("^(?:[a-z]{40,})$", 1, {40, kUnlimited});
  check("^[A-Z][a-z]{0,62}$", 2, {0, 63});
  check("^x-(?:[0-9a-f]{2}){16,300}\\b$", 5, {34, 602});
  check("^a{3}[b-d]{1,99}$", 4, {4, 102});
  check("^a{40}[b-d]{1,99}$", 41, {41, 139});
  check("^a{3}[b-d]{99}$", 4, {102, 102});
  check("^[a-z]{1,3}$", 4, {0, kUnlimited});
  // Not the whole text: the second number does not matter.
  check("^[a-z]{1,1000}", 2, {0, kUnlimited});
}

TEST(PatternTexts, WindowsEqualWhatIsSpelledOut) {
  for (const char* pattern : {"^a(?:bc){30,35}$", "^[ab]{33}$", "^(?:a\\B|a-){2,40}b{3}$"}) {
    const TextSet set = *PatternTexts(pattern);
    const std::string text = pattern;
    // A useless alternative keeps the window from being found.
    const std::string spelled = "^(?:" + text.substr(1, text.size() - 2) + "|^$a)$";
    EXPECT(*WithoutWindow(set) == PatternTexts(spelled)->texts);
  }
}

TEST(RegexTexts, MatchesWholeTexts) {
  const TextSet set = *RegexTexts("a|bc");
  EXPECT(set.texts == Dfa::Of({"a", "bc"}));
  EXPECT(RegexTexts("^a$")->texts == Dfa::Of({"a"}));
  EXPECT(RegexTexts("\\bab?\\b")->texts == Dfa::Of({"a", "ab"}));
  EXPECT(RegexTexts("[a-z]{0,99}")->length == (LengthWindow{0, 99}));
  EXPECT(RegexTexts(".*")->texts != Dfa::All());
  EXPECT(RegexTexts("[^]*")->texts == Dfa::All());
}

}  // namespace
}  // namespace sentiric::grammar
