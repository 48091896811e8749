// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/number_texts.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/number/spelling_limits.h"
#include "core/grammar/regular/dfa_algebra.h"
#include "expect_texts.h"
#include "random_sets.h"

namespace sentiric::grammar {
namespace {

TEST(NumberTexts, AnyNumber) {
  const Dfa texts = Texts(NumberSet::All());
  ExpectMatches(
      texts,
      {"0", "-0", "-0.0", "7", "-12", "0.001", "3.14159", "1e+22", "1e-07", "1.5e+300", "1E5",
       "100.0", "1.7976931348623157e+307", "123456789012345678901", "0.30000000000000004",
       "2.2250738585072014e-307", "1.2345678901234567e-5"},
      {"",      "-",   "+1",  "01", "-01", "1.",  ".5",  "1e", "1e+",   "1.e5",  "1e400", "1e-400",
       "1e308", "NaN", "0x1", " 1", "1 ",  "1,0", "--1", "1-", "1.0.0", "1e5.0", "1e0001"});
  EXPECT(!texts.Matches(std::string(22, '1')) && !texts.Matches("0." + std::string(23, '1')));
}

TEST(NumberTexts, Integers) {
  ExpectMatches(
      Texts(NumberSet::Integers()),
      {"0", "-0", "7", "-12", "9007199254740993", "123456789012345678901"},
      {"1.5", "0.1", "1.00001", "1e-07", "1.5e+22", "1e-1", "1.50", "1.0", "-0.0", "1e6", "1e+22"});
}

// A model that has begun an exponent must not be led to a number that it did not mean.
TEST(NumberTexts, ExponentsOnlyWhereNumbersAreExtreme) {
  ExpectMatches(Texts(And(NumberSet::Integers(), Between("0", "1000"))), {"100", "1000"},
                {"1e2", "1e", "1E0", "1000.0"});
  ExpectMatches(Texts(And(NumberSet::Integers(), Between("1e70", "1e80"))), {"1e70", "5E+75"},
                {"1e69", "2e80"});
  ExpectMatches(Texts(And(Multiples("1e-5"), Between("0", "1"))), {"1e-05", "1e-1"}, {"1e-06"});
  ExpectMatches(Texts(And(Multiples("1e-3"), Between("0", "1"))), {"0.001"}, {"1e-1"});
  ExpectMatches(Texts(NumberSet::OfAll({1, D("1e15")}).value()), {"1"}, {"1e0", "1e15"});
}

TEST(NumberTexts, Bounds) {
  ExpectMatches(Texts(And(NumberSet::Integers(), NumberSet::AtLeast(100))),
                {"100", "101", "999", "1000", "2024"},
                {"100.0", "1e+30", "16", "99", "0", "-100", "-1000", "1", "10", "99.0"});
  ExpectMatches(Texts(And(NumberSet::Integers(), NumberSet::MoreThan(99))), {"100", "1000", "2024"},
                {"1e2", "99", "98", "-200", "99.0", "9e1"});
  ExpectMatches(Texts(And(NumberSet::Integers(), NumberSet::AtMost(-5))),
                {"-5", "-6", "-10", "-500"}, {"-5.0", "-4", "0", "5", "-4.0", "-0", "10"});
  ExpectMatches(Texts(NumberSet::AtMost(-5)), {"-5", "-5.01", "-10", "-5.0", "-5e0", "-1e1"},
                {"-4", "-4.999", "0", "5", "-5e-1", "-4.9e0"});
  ExpectMatches(Texts(Between("0", "1")),
                {"0", "1", "0.5", "0.999999", "1.0", "1.000", "-0", "-0.0", "1e-7", "1e0",
                 "9.99e-1", "0.001"},
                {"1.001", "2", "-0.1", "-1", "10", "1e1", "-1e-7", "1.1e0"});
  ExpectMatches(
      Texts(And(And(NumberSet::AtLeast(3), NumberSet::MoreThan(3)), NumberSet::LessThan(10))),
      {"3.1", "9.99999", "3.00001", "4", "3.0001e0"},
      {"3", "3.0", "10", "10.0", "2.9", "3e0", "1e1"});
  ExpectMatches(Texts(Or(NumberSet::LessThan(-100), NumberSet::MoreThan(D("12.5")))),
                {"-101", "-100.5", "12.51", "13", "1e2"}, {"-100", "12.5", "0", "12.50", "-1e2"});
}

TEST(NumberTexts, Multiples) {
  ExpectMatches(Texts(Multiples("7")), {"0", "-0", "7", "14", "-21", "1001", "700"},
                {"7.0", "-0.0", "1", "8", "7.5", "0.7", "7e1", "71"});
  ExpectMatches(Texts(Multiples("0.01")), {"0.01", "1", "1.5", "1.25", "-3.10", "0", "1e16"},
                {"0.001", "1.255", "1.2e0", "1e-03", "1.550"});
  ExpectMatches(Texts(Multiples("2.5")), {"2.5", "5", "5.0", "7.5", "10", "-2.5"},
                {"2", "2.6", "1.5"});
  ExpectMatches(Texts(Multiples("1000000")), {"0", "1000000", "-5000000", "12000000"},
                {"12000000.0", "1", "100000", "1500000", "1000001"});
  ExpectMatches(Texts(Multiples("86400")), {"86400", "172800"}, {"86401", "8640"});
  ExpectMatches(Texts(Multiples("1e-8")), {"0.00000001", "12391239123", "1e-08", "0.1"},
                {"0.000000001", "0.0000000750001", "1e-09"});
  ExpectMatches(Texts(And(Multiples("3"), Complement(Multiples("6")))), {"3", "9", "-15"},
                {"6", "0", "4"});
  // A double of so many digits is whole.
  ExpectMatches(Texts(And(Multiples("0.1"), Complement(NumberSet::Integers()))), {"0.1", "123.4"},
                {"1", "2.0", "684434147831986368806.6"});
  ExpectMatches(Texts(Complement(NumberSet::Integers())), {"0.5", "1.0000001", "0.00001"},
                {"1", "1.0", "1e5", "0", "-0.0"});
  EXPECT_EQ(NumberTexts(Multiples("20001")).error().what,
            "too many remainders by 20001; got more, allowed 20000");
  EXPECT_EQ(NumberTexts(Multiples("4999")).error().what,
            "too many remainders by 4999; got 4999, allowed 2900");
  ExpectMatches(Texts(And(Multiples("123457"), Between("0", "1000000"))), {"0", "123457", "987656"},
                {"123458", "1111113"});
}

TEST(NumberTexts, SingleNumbers) {
  ExpectMatches(Texts(NumberSet::Of(D("1.5"))), {"1.5"}, {"1", "1.50", "15e-1", "1.5e0", "-1.5"});
  ExpectMatches(Texts(NumberSet::Of(0)), {"0", "-0", "0.0", "-0.0"}, {"1", "0e0"});
  ExpectMatches(Texts(NumberSet::OfAll({1, 2, D("1e22"), D("1.5e300")}).value()),
                {"1", "2.0", "1e22", "1E+22", "10000000000000000000000", "1.5e+300"},
                {"3", "1e1", "1.5", "1e21"});
  ExpectMatches(Texts(Complement(NumberSet::Of(5))), {"4", "5.1", "50", "0", "-5", "5e1"},
                {"5", "5.0", "5.00", "5e0", "5.0e0", "5.00000000000000000001"});
}

TEST(NumberTexts, Canonical) {
  const Dfa any = CanonicalNumberTexts(NumberSet::All()).value();
  ExpectMatches(
      any, {"0", "10", "-1", "0.5", "-0.05", "123456789012345", "1.00000000000001"},
      {"-0", "0.0", "1.0", "1.50", "1e5", "-0.0", "1234567890123456", "1.000000000000001", "0.00"});
  ExpectMatches(CanonicalNumberTexts(Between("0.5", "20")).value(), {"0.5", "20", "7.25"},
                {"20.0", "0.50", "0.4", "21", "2e0"});
  EXPECT(!CanonicalNumberTexts(NumberSet::Of(D("1e300"))).ok());
}

TEST(NumberTexts, EndByThemselves) {
  EXPECT(MaxLengths(Texts(NumberSet::All()))[0] <= 1 + 21 + 1 + 22);
  EXPECT(MaxLengths(Texts(NumberSet::Integers()))[0] <= 1 + 21 + 2);
  EXPECT(MaxLengths(Texts(Multiples("7")))[0] <= 1 + 15 + 2);
}

TEST(NumberTexts, StaySmall) {
  const auto size = [](const NumberSet& set) { return Texts(set).size(); };
  EXPECT(size(NumberSet::All()) <= 80);
  EXPECT(size(NumberSet::Integers()) <= 60);
  EXPECT(size(Between("0", "1")) <= 200);
  EXPECT(size(And(NumberSet::Integers(), Between("0", "100"))) <= 12);
  EXPECT(size(Between("-12345678901234567890", "12345678901234567890.5")) <= 800);
  EXPECT(size(And(NumberSet::Integers(), NumberSet::AtMost(INT64_MAX))) <= 300);
}

// A text as models and programs write them, plain or with an exponent.
std::string RandomText(RandomSets* random) {
  std::string text = random->Below(2) == 0 ? "-" : "";
  const auto digits = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      text += static_cast<char>(random->Below(3) > 0 ? '0' + random->Below(10) : '0');
    }
  };
  if (random->Below(3) == 0) {
    text += '0';
  } else {
    text += static_cast<char>('1' + random->Below(9));
    digits(random->Below(3));
  }
  if (random->Below(2) == 0) {
    text += '.';
    digits(1 + random->Below(4));
  }
  if (random->Below(4) == 0) {
    text += random->Below(2) == 0 ? "e" : "E";
    text += random->Below(3) == 0 ? "+" : random->Below(2) == 0 ? "-" : "";
    text += std::to_string(random->Below(5));
  }
  return text;
}

bool IsRangeOfIntegers(const NumberSet& set) {
  const auto& between = set.pieces().between;
  return std::any_of(between.begin(), between.end(), [](auto table) { return table != 0; }) &&
         And(set, Complement(NumberSet::Integers())).IsEmpty();
}

// Whether the text is in the set's texts if its number is in the set.
bool IsWritten(const std::string& text, const NumberSet& set) {
  if (IsRangeOfIntegers(set) && text.find_first_of(".eE") != std::string::npos) return false;
  const NumberPieces& pieces = set.pieces();
  const SpellingLimits limits = SpellingLimits::For(pieces);
  const std::size_t point = text.find('.');
  const std::size_t end = std::min(text.find_first_of("eE"), text.size());
  const auto places = static_cast<std::int32_t>(point == std::string::npos ? 0 : end - point - 1);
  if (end == text.size()) return places <= limits.fraction_digits;
  const std::size_t first = text[0] == '-' ? 1 : 0;
  const bool normal = text[first] != '0' && std::min(point, end) == first + 1;
  return normal && !limits.discrete && pieces.divisors.list().empty();
}

std::string RandomWord(const Dfa& texts, RandomSets* random) {
  std::string word;
  DfaState state = Dfa::start();
  while (!texts.accepts(state) || (texts.edges(state).size() > 0 && random->Below(4) > 0)) {
    const DfaEdge& edge = texts.edges(state).begin()[random->Below(texts.edges(state).size())];
    const CodePoint c = edge.range.first + random->Below(edge.range.last - edge.range.first + 1);
    word += static_cast<char>(c);
    state = edge.target;
  }
  return word;
}

TEST(NumberTexts, AgreeWithTheSet) {
  std::vector<Decimal> constants;
  for (const char* text :
       {"0",   "1",    "-1",   "2",    "10",     "-10",  "99",   "100",   "-100", "101",
        "0.5", "-0.5", "0.05", "12.5", "-12.25", "9.99", "1000", "0.001", "110",  "5e3"}) {
    constants.push_back(D(text));
  }
  RandomSets random(7, constants, {1, 2, 3, D("0.5"), D("0.25"), 10});
  int matched = 0;
  for (int i = 0; i < 300; ++i) {
    const RandomSet made = random.Make(i % 4);
    const Result<Dfa> texts = NumberTexts(made.set);
    if (!EXPECT(texts.ok()))
      std::printf("    %s: %s\n", made.text.c_str(), texts.error().what.c_str());
    if (!texts) continue;
    EXPECT_EQ(texts->IsEmpty(), made.set.IsEmpty());
    const Result<Dfa> canonical = CanonicalNumberTexts(made.set);
    for (int j = 0; j < 400; ++j) {
      const bool walk = j % 4 == 0 && !texts->IsEmpty();
      const std::string text = walk ? RandomWord(*texts, &random) : RandomText(&random);
      const bool contains = made.contains(D(text));
      const bool matches = texts->Matches(text);
      matched += matches ? 1 : 0;
      const bool written = walk || IsWritten(text, made.set);
      if (!EXPECT(matches == (contains && written) || (matches && contains))) {
        std::printf("    %s at %s\n", made.text.c_str(), text.c_str());
      }
      if (!canonical || text.size() > 15) continue;
      const bool shortest = text == D(text).Text() && text.find('e') == std::string::npos;
      EXPECT_EQ(canonical->Matches(text), contains && shortest);
    }
  }
  EXPECT(matched > 10'000);
}

}  // namespace
}  // namespace sentiric::grammar
