// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/decimal.h"

#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "check.h"
#include "core/grammar/number/natural.h"

namespace sentiric::grammar {
namespace {

Decimal D(std::string_view text) { return Decimal::Parse(text).value(); }

TEST(Natural, AgreesWithMachineArithmetic) {
  __extension__ using Wide = unsigned __int128;
  std::mt19937_64 random(1);
  const auto make = [&] {
    Wide value = (Wide{random()} << 64 | random()) >> (random() % 120);
    return random() % 4 == 0 ? (Wide{1} << (random() % 110)) - random() % 2 : value;
  };
  const auto digits = [](Wide value) {
    std::string out;
    for (; value > 0; value /= 10) out.insert(out.begin(), static_cast<char>('0' + value % 10));
    return out;
  };
  const auto gcd = [](Wide x, Wide y) {
    while (y > 0) x = std::exchange(y, x % y);
    return x;
  };
  for (int i = 0; i < 20'000; ++i) {
    const Wide x = make(), y = make();
    const Natural a = ToNatural(digits(x)), b = ToNatural("00" + digits(y));
    EXPECT_EQ(ToDigits(a), digits(x));
    EXPECT_EQ(Compare(a, b) < 0, x < y);
    EXPECT_EQ(ToDigits(Sum(ToNatural(digits(x / 2)), ToNatural(digits(y / 2)))),
              digits(x / 2 + y / 2));
    if (x >= y) EXPECT_EQ(ToDigits(Difference(a, b)), digits(x - y));
    if (y == 0) continue;
    const Division division = Divide(a, b);
    EXPECT_EQ(ToDigits(division.quotient), digits(x / y));
    EXPECT_EQ(ToDigits(division.remainder), digits(x % y));
    EXPECT_EQ(ToDigits(GreatestCommonDivisor(a, b)), digits(gcd(x, y)));
  }
}

TEST(Natural, DividesWhatItMultiplied) {
  std::mt19937 random(2);
  const auto make = [&](std::size_t limbs) {  // extreme limbs, for the guesses of the division
    Natural out;
    const std::uint32_t limb[] = {0, 1, 499'999'999, 500'000'000, 999'999'998, 999'999'999};
    for (std::size_t i = 0; i < limbs; ++i) out.limbs.push_back(limb[random() % 6]);
    out.limbs.push_back(limb[1 + random() % 5]);
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const Natural x = make(random() % 6), y = make(random() % 6), rest = make(random() % 6);
    if (Compare(rest, x) >= 0) continue;
    const Division division = Divide(Sum(Product(x, y), rest), x);
    EXPECT_EQ(ToDigits(division.quotient), ToDigits(y));
    EXPECT_EQ(ToDigits(division.remainder), ToDigits(rest));
  }
}

TEST(Decimal, ParsesJsonNumbersOnly) {
  for (const char* text : {"0", "-0", "10", "1.50", "1e5", "1E+05", "12.5e-3", "0e0"}) {
    EXPECT(Decimal::Parse(text).ok());
  }
  for (const char* text : {"", "-", "01", "1.", ".5", "+1", "1e", "1e+", " 1", "1 ", "0x1", "1.e5",
                           "NaN", "--1", "1,5"}) {
    EXPECT(!Decimal::Parse(text).ok());
  }
}

TEST(Decimal, RefusesWhatIsTooLong) {
  EXPECT(Decimal::Parse(std::string(10'000, '7')).ok());
  EXPECT(!Decimal::Parse(std::string(10'001, '7')).ok());
  EXPECT(!Decimal::Parse("1" + std::string(10'000, '0')).ok());
  EXPECT(Decimal::Parse("0." + std::string(20'000, '0')).ok());
  EXPECT(Decimal::Parse("1." + std::string(20'000, '0')).ok());
  EXPECT(Decimal::Parse("1e9999").ok());
  EXPECT(!Decimal::Parse("1e10000").ok());
  EXPECT(!Decimal::Parse("1e-99999999999999999999").ok());
  EXPECT(Decimal::Parse("0e99999999999999999999").ok());
  EXPECT_EQ(Decimal::Parse("1e10000").error().what,
            "is too large or too small; got about 1e10001, allowed exponents are up to 10000");
}

TEST(Decimal, EqualByValue) {
  EXPECT(D("1.0") == D("1") && D("10e-1") == D("1") && D("-0") == D("0") && D("0e5") == Decimal());
  EXPECT(D("100") == D("1e2") && D("1") != D("-1") && D("1") != D("10"));
  EXPECT(Decimal(-1200) == D("-1.2e3") && Decimal(INT64_MIN) == D("-9223372036854775808"));
  const std::unordered_set<Decimal> set = {D("1.0"), D("1"), D("10e-1"), D("-0"), D("0.0")};
  EXPECT_EQ(set.size(), 2u);
}

TEST(Decimal, TextIsShort) {
  const char* texts[][2] = {{"-0.0", "0"},
                            {"1.50", "1.5"},
                            {"12e2", "1200"},
                            {"5e-3", "0.005"},
                            {"-12.50e1", "-125"},
                            {"1e39", "1000000000000000000000000000000000000000"},
                            {"1e40", "1e40"},
                            {"-1.5e-60", "-1.5e-60"},
                            {"123456789012345678901234567890", "123456789012345678901234567890"}};
  for (const auto& [text, expected] : texts) EXPECT_EQ(D(text).Text(), expected);
}

// Against integers: each number is an integer of hundredths.
TEST(Decimal, AgreesWithIntegerArithmetic) {
  std::mt19937 random(3);
  const auto of = [](std::int64_t hundredths) { return D(std::to_string(hundredths) + "e-2"); };
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t range = i % 2 == 0 ? 30 : 3'000;
    const auto make = [&] { return static_cast<std::int64_t>(random()) % range - range / 2; };
    const std::int64_t x = make(), y = make(), step = std::abs(make()) + 1,
                       other = std::abs(make()) + 1;
    EXPECT_EQ(of(x) < of(y), x < y);
    EXPECT_EQ(of(x) == of(y), x == y);
    EXPECT_EQ((of(x) + of(y)).Text(), of(x + y).Text());
    EXPECT_EQ((of(x) - of(y)).Text(), of(x - y).Text());
    EXPECT_EQ(of(x).IsMultipleOf(of(step)), x % step == 0);
    EXPECT_EQ(of(x).IsInteger(), x % 100 == 0);
    EXPECT_EQ(LeastCommonMultiple(of(step), of(other)).Text(), of(std::lcm(step, other)).Text());
    std::int64_t next = x + 1;
    while (next % step != 0) ++next;
    EXPECT_EQ(NextMultiple(of(x), of(step)).Text(), of(next).Text());
    EXPECT_EQ(D(of(x).Text()).Text(), of(x).Text());
  }
}

TEST(Decimal, ExactWhereDoublesAreNot) {
  EXPECT(D("0.3").IsMultipleOf(D("0.1")));
  EXPECT(D("1e308").IsMultipleOf(D("0.5")) && !D("1e308").IsMultipleOf(D("0.123456789")));
  EXPECT(!D("9007199254740993").IsMultipleOf(D("2")));
  EXPECT(D("3") < D("3.00000000000000000001"));
  EXPECT(D("0.0075").IsMultipleOf(D("0.0001")) && !D("0.00751").IsMultipleOf(D("0.0001")));
}

}  // namespace
}  // namespace sentiric::grammar
