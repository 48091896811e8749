// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/dfa_algebra.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "random_dfa.h"

namespace sentiric::grammar {
namespace {

TEST(DfaAlgebra, IsWhatSetsAre) {
  Random random(2);
  const std::vector<std::string> texts = AllTexts(3, 5);
  for (int round = 0; round < 300; ++round) {
    const Dfa x = RandomDfa(6, 3, &random), y = RandomDfa(6, 3, &random);
    const Dfa both = *Intersection(x, y), either = *Union(x, y), only_x = *Difference(x, y);
    const Dfa not_x = *Complement(x);
    for (const std::string& text : texts) {
      const bool in_x = x.Matches(text), in_y = y.Matches(text);
      EXPECT_EQ(both.Matches(text), in_x && in_y);
      EXPECT_EQ(either.Matches(text), in_x || in_y);
      EXPECT_EQ(only_x.Matches(text), in_x && !in_y);
      EXPECT_EQ(not_x.Matches(text), !in_x);
    }
    EXPECT(!not_x.Matches("\xFF"));
    EXPECT(*Complement(not_x) == x);
    EXPECT(*Union(not_x, x) == Dfa::All());
    EXPECT(*Intersection(not_x, x) == Dfa::None());
    EXPECT(*Complement(*Union(x, y)) == *Intersection(not_x, *Complement(y)));
  }
}

// Equal sets have equal automata, so this also says that complements are minimal.
TEST(DfaAlgebra, ComplementsAreMinimal) {
  Random random(3);
  for (int round = 0; round < 500; ++round) {
    const Dfa x = RandomDfa(8, 3, &random);
    const Result<Dfa> other = Complement(x);
    if (!EXPECT(other.ok()) || !EXPECT(*Complement(*other) == x)) return;
    EXPECT(Union(x, *other)->IsAll());
    EXPECT(Intersection(x, *other)->IsEmpty());
    DfaBuilder again;  // to be made minimal
    for (DfaState s = 0; s < other->size(); ++s) again.AddState(other->accepts(s));
    for (DfaState s = 0; s < other->size(); ++s) {
      for (const DfaEdge& edge : other->edges(s)) again.AddEdge(s, edge.range, edge.target);
    }
    if (!EXPECT(again.Build() == *other)) return;
  }
  EXPECT(Complement(Dfa::All())->IsEmpty());
  EXPECT(Complement(Dfa::None())->IsAll());
  EXPECT(*Difference(Dfa::All(), Dfa::Of({"a"})) == *Complement(Dfa::Of({"a"})));
  EXPECT(!Complement(Dfa::Of({"abcdefgh"}), DfaLimits{5, 1000}));
}

TEST(DfaAlgebra, ConcatenationSplitsAnywhere) {
  Random random(3);
  const std::vector<std::string> texts = AllTexts(2, 6);
  for (int round = 0; round < 300; ++round) {
    const Dfa x = RandomDfa(5, 2, &random), y = RandomDfa(5, 2, &random);
    const Dfa joined = *Concatenation(x, y);
    for (const std::string& text : texts) {
      bool expected = false;
      for (std::size_t i = 0; i <= text.size(); ++i) {
        expected |= x.Matches(text.substr(0, i)) && y.Matches(text.substr(i));
      }
      if (!EXPECT_EQ(joined.Matches(text), expected)) return;
    }
  }
}

TEST(DfaAlgebra, CountsAndListsWords) {
  EXPECT_EQ(CountWords(Dfa::None()).value_or(99), 0U);
  EXPECT_EQ(CountWords(Dfa::Of({"", "b", "aa", "ab"})).value_or(99), 4U);
  EXPECT(!CountWords(Dfa::All()));
  EXPECT_EQ(CountWords(Dfa::OfChars({{0, kMaxCodePoint}})).value_or(0), 0x110000U - 0x800U);
  EXPECT(Words(Dfa::Of({"b", "", "ab", "aa"}), 10) ==
         std::vector<std::string>({"", "b", "aa", "ab"}));
  EXPECT_EQ(Words(Dfa::All(), 7).size(), 7U);
  const Dfa joined =
      *Concatenation(Dfa::Of({"a", "b"}), *Concatenation(Dfa::All(), Dfa::Of({"c"})));
  const std::vector<std::uint32_t> counts = WordCounts(joined);
  EXPECT_EQ(counts[0], kCountless);
}

TEST(DfaAlgebra, CountsEqualTheTextsThatMatch) {
  Random random(4);
  const std::vector<std::string> texts = AllTexts(3, 6);
  int finite = 0;
  for (int round = 0; round < 2000; ++round) {
    const Dfa dfa = RandomDfa(5, 3, &random);
    const std::optional<std::uint64_t> count = CountWords(dfa);
    const std::vector<std::string> words = Words(dfa, 50);
    for (const std::string& word : words) EXPECT(dfa.Matches(word));
    EXPECT_EQ(std::set<std::string>(words.begin(), words.end()).size(), words.size());
    if (!count) {
      EXPECT_EQ(words.size(), 50U);
      continue;
    }
    ++finite;
    std::set<std::string> expected;
    for (const std::string& text : texts) {
      if (dfa.Matches(text)) expected.insert(text);
    }
    EXPECT_EQ(*count, expected.size());
    if (*count <= 50) EXPECT(std::set<std::string>(words.begin(), words.end()) == expected);
  }
  EXPECT(finite > 100);
}

TEST(DfaAlgebra, RefusesWhatIsOverTheLimits) {
  // The n-th letter from the end is an a: 2^n states.
  const Dfa ab = Dfa::OfChars({{'a', 'b'}});
  Dfa end = Dfa::Of({"a"}), all_ab = Dfa::None();
  for (int i = 0; i < 20; ++i) end = *Concatenation(end, ab);
  DfaBuilder builder;
  builder.AddState(true);
  builder.AddEdge(0, {'a', 'b'}, 0);
  all_ab = builder.Build();
  const Result<Dfa> result = Concatenation(all_ab, end);
  ASSERT(!result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidGrammar);
  EXPECT_EQ(result.error().what,
            "too many states; got 20002 or more, allowed 20000; make the pattern smaller or lower "
            "its bounds");
  EXPECT(!Intersection(end, all_ab, DfaLimits{5, 1000}));
}

TEST(DfaAlgebra, LengthsOfWays) {
  const Dfa dfa = *Concatenation(Dfa::Of({"", "abc"}), Dfa::Of({"x", "yz"}));
  EXPECT_EQ(MinLengths(dfa)[0], 1U);
  EXPECT_EQ(MaxLengths(dfa)[0], 5U);
  EXPECT_EQ(MinLengths(Dfa::All())[0], 0U);
  EXPECT_EQ(MaxLengths(Dfa::All())[0], UINT32_MAX);
  EXPECT_EQ(MinLengths(Dfa::None())[0], UINT32_MAX);
}

}  // namespace
}  // namespace sentiric::grammar
