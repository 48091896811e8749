// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/number_set.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "random_sets.h"

namespace sentiric::grammar {
namespace {

Decimal D(std::string_view text) { return Decimal::Parse(text).value(); }

NumberSet And(const NumberSet& x, const NumberSet& y) { return Intersection(x, y).value(); }
NumberSet Or(const NumberSet& x, const NumberSet& y) { return Union(x, y).value(); }
NumberSet Multiples(std::string_view of) { return NumberSet::MultipleOf(D(of)).value(); }

std::string Show(const NumberSet& set, std::size_t limit = 100) {
  const auto values = set.Values(limit);
  if (!values) return "many";
  std::string out;
  for (const Decimal& value : *values) out += (out.empty() ? "" : " ") + value.Text();
  return out;
}

TEST(NumberSet, EmptyExactly) {
  const NumberSet integers = NumberSet::Integers();
  EXPECT(And(integers, And(NumberSet::MoreThan(1), NumberSet::LessThan(2))).IsEmpty());
  EXPECT(!And(integers, And(NumberSet::AtLeast(1), NumberSet::LessThan(2))).IsEmpty());
  EXPECT(!And(NumberSet::MoreThan(1), NumberSet::LessThan(D("1.000000000001"))).IsEmpty());
  EXPECT(And(Multiples("0.3"), And(NumberSet::AtLeast(D("0.1")), NumberSet::AtMost(D("0.2"))))
             .IsEmpty());
  EXPECT(And(integers, Complement(integers)).IsEmpty());
  EXPECT(And(Multiples("6"), Complement(Multiples("3"))).IsEmpty());
  EXPECT(!And(Multiples("3"), Complement(Multiples("6"))).IsEmpty());
  const NumberSet few = And(NumberSet::MoreThan(0), NumberSet::LessThan(36));
  EXPECT(And(And(Multiples("12"), Multiples("18")), few).IsEmpty());
  EXPECT(!And(And(Multiples("12"), Multiples("18")), NumberSet::AtLeast(1)).IsEmpty());
  EXPECT(And(Multiples("2"), And(NumberSet::Of(3), integers)).IsEmpty());
  EXPECT(And(NumberSet::AtLeast(1), NumberSet::AtMost(0)).IsEmpty());
  EXPECT(Or(NumberSet::AtLeast(1), NumberSet::LessThan(1)).IsAll());
  EXPECT(!Or(NumberSet::MoreThan(1), NumberSet::LessThan(1)).IsAll());
  EXPECT(Complement(NumberSet::None()).IsAll() && NumberSet().IsEmpty());
  EXPECT(!Complement(integers).IsAll() && !Complement(integers).IsEmpty());
}

TEST(NumberSet, ManyNumbersAreNotTried) {
  const NumberSet huge = And(NumberSet::MoreThan(0), NumberSet::LessThan(D("1e300")));
  const NumberSet sparse = And(Multiples("1e-300"), huge);
  EXPECT(!And(sparse, Complement(Multiples("7e-300"))).IsEmpty());
  EXPECT(And(sparse, Multiples("1e300")).IsEmpty());
  EXPECT_EQ(Show(And(sparse, Multiples("3e299"))), "3e299 6e299 9e299");
  EXPECT(!sparse.Values(100).has_value() && sparse.IsFinite());
}

TEST(NumberSet, ListsItsNumbers) {
  const NumberSet some = And(NumberSet::AtLeast(-3), NumberSet::LessThan(8));
  EXPECT_EQ(Show(And(NumberSet::Integers(), some)), "-3 -2 -1 0 1 2 3 4 5 6 7");
  EXPECT_EQ(Show(And(And(NumberSet::Integers(), some), Complement(Multiples("2")))),
            "-3 -1 1 3 5 7");
  EXPECT_EQ(Show(And(Multiples("2.5"), some)), "-2.5 0 2.5 5 7.5");
  EXPECT_EQ(Show(And(Or(Multiples("3"), Multiples("5")), some)), "-3 0 3 5 6");
  EXPECT_EQ(Show(And(NumberSet::Integers(), some), 11), Show(And(NumberSet::Integers(), some)));
  EXPECT_EQ(Show(And(NumberSet::Integers(), some), 10), "many");
  EXPECT_EQ(Show(some), "many");
  EXPECT_EQ(Show(NumberSet::OfAll({D("2"), D("1.5"), D("2.0"), D("-7")}).value()), "-7 1.5 2");
  EXPECT_EQ(Show(NumberSet::None()), "");
  EXPECT(!NumberSet::Integers().IsFinite() && NumberSet::Of(1).IsFinite());
}

TEST(NumberSet, EqualHoweverDescribed) {
  const NumberSet some = And(NumberSet::MoreThan(0), NumberSet::LessThan(5));
  EXPECT(And(Multiples("2"), some) == NumberSet::OfAll({2, 4}).value());
  EXPECT(And(Multiples("2"), some) != NumberSet::OfAll({2, 3, 4}).value());
  EXPECT(And(Multiples("4"), Multiples("6")) == Multiples("12"));
  EXPECT(And(Multiples("4"), Multiples("6")) != Multiples("24"));
  EXPECT(Or(Multiples("2"), Multiples("4")) == Multiples("2"));
  EXPECT(Complement(Complement(some)) == some);
}

TEST(NumberSet, RefusesWhatIsTooMuch) {
  EXPECT_EQ(NumberSet::MultipleOf(0).error().what, "a divisor must be more than 0; got 0");
  EXPECT(!NumberSet::MultipleOf(-1).ok());
  EXPECT(!NumberSet::MultipleOf(D("1e401")).ok() && NumberSet::MultipleOf(D("1e-400")).ok());
  EXPECT(!NumberSet::MultipleOf(D(std::string(41, '7'))).ok());
  Result<NumberSet> primes = NumberSet::All();
  for (const int prime : {2, 3, 5, 7, 11, 13}) {
    primes = Intersection(*primes, Complement(NumberSet::MultipleOf(prime).value()));
    ASSERT(primes.ok());
  }
  primes = Intersection(*primes, Complement(Multiples("17")));
  EXPECT_EQ(primes.error().what, "too many different divisors; got 7, allowed 6");
  std::vector<Decimal> numbers;
  for (int i = 0; i < 16'384; ++i) numbers.emplace_back(i);
  EXPECT(!NumberSet::OfAll(numbers).ok());
  numbers.pop_back();
  const NumberSet list = NumberSet::OfAll(numbers).value();
  EXPECT(Union(list, NumberSet::Of(7)).ok());
  EXPECT_EQ(Union(list, NumberSet::Of(-7)).error().what,
            "too many bounds and divisors; got 16385, allowed 16384");
}

// All sets made of these constants and divisors repeat with a period of 12 beyond ±6, and between
// two multiples of 1/4 nothing changes: the samples decide everything.
TEST(NumberSet, AgreesWithSamples) {
  std::vector<Decimal> constants, samples;
  for (int i = -12; i <= 12; ++i) constants.push_back(D(std::to_string(i * 5) + "e-1"));
  for (int i = -20 * 8; i <= 20 * 8; ++i) samples.push_back(D(std::to_string(i * 125) + "e-3"));
  RandomSets random(1, constants, {D("0.5"), 1, D("1.5"), D("0.75"), 3, 4});
  std::optional<RandomSet> last;
  for (int i = 0; i < 400; ++i) {
    RandomSet made = random.Make(i % 5);
    std::vector<Decimal> in;
    bool same_as_last = last.has_value();
    for (const Decimal& sample : samples) {
      if (made.contains(sample)) in.push_back(sample);
      if (!EXPECT_EQ(made.set.Contains(sample), made.contains(sample))) {
        std::printf("%s at %s\n", made.text.c_str(), sample.Text().c_str());
      }
      same_as_last = same_as_last && made.contains(sample) == last->contains(sample);
    }
    EXPECT_EQ(made.set.IsEmpty(), in.empty());
    EXPECT_EQ(made.set.IsAll(), in.size() == samples.size());
    const bool finite = std::all_of(in.begin(), in.end(), [](const Decimal& x) {
      return x > -7 && x < 7 && x.IsMultipleOf(D("0.25"));
    });
    EXPECT_EQ(made.set.IsFinite(), finite);
    if (finite) EXPECT(made.set.Values(1000) == in);
    if (last) EXPECT_EQ(made.set == last->set, same_as_last);
    EXPECT(And(made.set, Complement(made.set)).IsEmpty());
    if (i % 3 == 0) last = std::move(made);
  }
}

}  // namespace
}  // namespace sentiric::grammar
