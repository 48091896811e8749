// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/rounding.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "check.h"
#include "expect_texts.h"

namespace sentiric::grammar {
namespace {

TEST(Rounding, BeyondDoubles) {
  const Dfa more = Texts(NumberSet::MoreThan(3));
  ExpectMatches(more, {"3.00000000000001", "3.1"},
                {"3.00000000000000000001", "3.0000000000000001", "3"});
  const Dfa less = Texts(NumberSet::LessThan(1));
  ExpectMatches(less, {"0.999999999999999", "9.99999999999999e-1"}, {"0.99999999999999999999"});
  ExpectMatches(Texts(NumberSet::LessThan(D("18446744073709551616"))),
                {"18446744073709451616", "1.8e19"}, {"18446744073709551615"});
  ExpectMatches(Texts(And(NumberSet::Integers(), NumberSet::AtMost(INT64_MAX))),
                {"9223372036854775807", "9223372036854775806", "-9223372036854775809"},
                {"9223372036854775808", "9300000000000000000", "10000000000000000000", "1e+19"});
  ExpectMatches(Texts(Between("972783798187987123879878123.188", "9e29")),
                {"972783798187987123879878123.188", "972783798187987123879878123.1880000001",
                 "972783798188987123879878123", "899999999999999000000000000000", "9e29",
                 "9.72783798187987123879878123189e26"},
                {"972783798187987123879878123.187", "972783798187987123879878122",
                 "900000000000000000000000000001", "9.72783798187987123879878123187e26"});
  EXPECT(!NumberTexts(And(NumberSet::MoreThan(1), NumberSet::LessThan(D("1.0000000000000000001"))))
              .ok());
  EXPECT(!NumberTexts(NumberSet::AtLeast(D("1e309"))).ok());
  EXPECT(Texts(NumberSet::None()).IsEmpty());
}

// Python reads integers exactly and all other numbers, and bounds, as doubles.
TEST(Rounding, IntegersBesideDoubles) {
  const NumberSet integers = NumberSet::Integers();
  ExpectMatches(Texts(And(integers, NumberSet::AtMost(INT64_MAX))),
                {"9223372036854775807", "9223372036854700000"},
                {"9223372036854775808", "9223372036854775807.0", "9e18"});
  ExpectMatches(Texts(Or(NumberSet::Of(D("0.5")), And(integers, NumberSet::AtMost(INT64_MAX)))),
                {"0.5", "9223372036854775807", "9223372036854700000.0", "9e18"},
                {"9223372036854775807.0", "9223372036854775800.0"});
  ExpectMatches(Texts(And(integers, NumberSet::AtLeast(D("4.009e26")))),
                {"400900000000100000000000000", "500000000000000000000000000"},
                {"5e26", "400900000000000000000000000", "400900000000000000000000001"});
  ExpectMatches(Texts(NumberSet::AtMost(D("4.009e26"))), {"4.009e26", "-1"},
                {"400900000000000000000000000", "4.01e26"});
  ExpectMatches(Texts(NumberSet::Of(D("9007199254740993"))), {"9007199254740993"},
                {"9007199254740993.0", "9.007199254740993e15"});
}

// What a reader with doubles sees is in the set as well: bounds compare alike after rounding.
TEST(Rounding, AgreeWithDoubles) {
  std::mt19937_64 random(8);
  const auto as_double = [](const std::string& text) { return std::strtod(text.c_str(), nullptr); };
  const auto number = [&](std::size_t digits) {
    std::string text = random() % 2 == 0 ? "-" : "";
    text += static_cast<char>('1' + random() % 9);
    if (random() % 4 != 0) text += '.';
    const bool plain = random() % 3 == 0;
    for (std::size_t i = 0; i < digits; ++i) {
      text += static_cast<char>('0' + (plain ? random() % 10 : random() % 2 * 9));
    }
    return text;
  };
  int matched = 0;
  for (int i = 0; i < 300; ++i) {
    std::string bound = number(1 + random() % 20);
    if (bound.back() == '.') bound += '0';
    const bool more = random() % 2 == 0;
    const Result<Dfa> texts =
        NumberTexts(more ? NumberSet::MoreThan(D(bound)) : NumberSet::LessThan(D(bound)));
    ASSERT(texts.ok());
    for (int j = 0; j < 200; ++j) {
      std::string text = bound;  // and then a digit or two of it changed, or some appended
      if (text.find('.') == std::string::npos) text += '.';
      for (std::uint64_t k = random() % 8; k > 0; --k) {
        text += static_cast<char>('0' + random() % 10);
      }
      const std::size_t place = 2 + random() % (text.size() - 2);
      if (text[place] != '.') text[place] = static_cast<char>('0' + random() % 10);
      if (text.back() == '.') text += '0';
      if (!texts->Matches(text)) continue;
      ++matched;
      EXPECT(more ? D(text) > D(bound) : D(text) < D(bound));
      if (!EXPECT(more ? as_double(text) > as_double(bound) : as_double(text) < as_double(bound))) {
        std::printf("    %s than %s: %s\n", more ? "more" : "less", bound.c_str(), text.c_str());
      }
    }
  }
  EXPECT(matched > 5'000);
}

}  // namespace
}  // namespace sentiric::grammar
