// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/text_set.h"

#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/length_plan.h"
#include "random_dfa.h"

namespace sentiric::grammar {
namespace {

LengthWindow RandomWindow(Random* random) {
  const std::uint32_t min = Below(6, random);
  const std::uint32_t width = Below(5, random);
  return {Below(3, random) == 0 ? 0 : min, width == 4 ? kUnlimited : min + width};
}

// (a^n)*
Dfa Ring(std::uint32_t n) {
  DfaBuilder builder;
  for (std::uint32_t i = 0; i < n; ++i) builder.AddState(i == 0);
  for (std::uint32_t i = 0; i < n; ++i) builder.AddEdge(i, {'a', 'a'}, (i + 1) % n);
  return builder.Build();
}

TEST(TextSet, OperationsAreWhatSetsAre) {
  Random random(5);
  const std::vector<std::string> texts = AllTexts(2, 9);
  for (int round = 0; round < 400; ++round) {
    const TextSet x = {RandomDfa(6, 2, &random), RandomWindow(&random)};
    const TextSet y = {RandomDfa(6, 2, &random), RandomWindow(&random)};
    const TextSet both = *Intersection(x, y), simple = Simplify(x);
    const std::vector<TextSet> outside = *Complement(x);
    const Dfa states = *WithoutWindow(x);
    bool is_empty = true;
    for (const std::string& text : texts) {
      const bool in_x = x.texts.Matches(text) && x.length.Contains(NumChars(text));
      if (in_x) is_empty = false;
      EXPECT_EQ(Contains(x, text), in_x);
      EXPECT_EQ(Contains(simple, text), in_x);
      EXPECT_EQ(states.Matches(text), in_x);
      EXPECT_EQ(Contains(both, text), in_x && Contains(y, text));
      bool in_any = false;
      for (const TextSet& part : outside) in_any |= Contains(part, text);
      EXPECT_EQ(in_any, !in_x);
    }
    // No state is further than 6 from its window's end, so a text of 9 letters decides.
    if (!EXPECT_EQ(IsEmpty(x), states.IsEmpty())) return;
    if (!is_empty) EXPECT(!IsEmpty(x));
    EXPECT(CountWords(x) == CountWords(states));
  }
}

TEST(TextSet, EmptinessOfLargeWindowsIsExact) {
  const Dfa even = Ring(2), sevens = Ring(7);
  EXPECT(IsEmpty({even, {999'999, 999'999}}));
  EXPECT(!IsEmpty({even, {999'999, 1'000'000}}));
  EXPECT(IsEmpty({*Intersection(even, sevens), {14'000'001, 14'000'013}}));
  EXPECT(!IsEmpty({*Union(even, sevens), {7'000'007, 7'000'007}}));
  EXPECT(IsEmpty({*Union(even, sevens), {7'000'005, 7'000'005}}));
  EXPECT(IsEmpty({Dfa::All(), {5, 4}}));
  EXPECT(!IsEmpty({Dfa::All(), {5, 5}}));
}

TEST(TextSet, SimplifyTightensAndDropsWindows) {
  EXPECT(Simplify({Ring(2), {3, 999'999}}) == (TextSet{Ring(2), {4, 999'998}}));
  EXPECT(Simplify({Ring(2), {0, 999'999}}) == (TextSet{Ring(2), {0, 999'998}}));
  EXPECT(Simplify({Dfa::Of({"a", "abc"}), {0, 1000}}) == (TextSet{Dfa::Of({"a", "abc"}), {}}));
  EXPECT(Simplify({Dfa::Of({"a", "abc"}), {2, 1000}}) == (TextSet{Dfa::Of({"abc"}), {}}));
  EXPECT(Simplify({Ring(5), {1, 4}}) == (TextSet{Dfa::None(), {}}));
  EXPECT_EQ(CountWords({Dfa::All(), {0, 0}}).value_or(99), 1U);
  EXPECT_EQ(CountWords({Ring(3), {1, 100}}).value_or(99), 33U);
  EXPECT(!CountWords({Dfa::All(), {0, 1'000'000}}));
}

// Walks all texts through the tests of the counter: exactly the set is accepted, and every place
// that is reached has a way to the end.
struct Walk {
  const CountedDfa& counted;
  const std::vector<CodePoint>& letters;
  std::uint32_t num_letters;
  std::uint32_t max_length;

  // Whether the end was reached from here. `texts` collects what is accepted.
  bool From(DfaState s, std::uint32_t count, std::string text, std::vector<std::string>* texts) {
    bool found = counted.texts.accepts(s) && count >= counted.accept_min[s];
    if (found) texts->push_back(text);
    if (count == max_length) return true;  // cannot tell
    for (std::uint32_t i = 0; i < num_letters; ++i) {
      const DfaState next = counted.texts.Next(s, letters[i]);
      if (next == kNoState || !counted.enter[next].Contains(count + 1)) continue;
      std::string longer = text;
      AppendUtf8(letters[i], &longer);
      found |= From(next, count + 1, longer, texts);
    }
    if (!found && !(count == 0 && counted.texts.IsEmpty())) EXPECT("no dead end" == nullptr);
    return found;
  }
};

TEST(Counted, IsExactAndHasNoDeadEnds) {
  Random random(6);
  int with_tests = 0, refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::uint32_t num_letters = 1 + Below(2, &random);
    const std::uint32_t longest = num_letters == 1 ? 60 : 11;
    // Beyond what is spelled out as states.
    const LengthWindow window = {Below(longest / 2, &random), Below(3, &random) == 0
                                                                  ? kUnlimited
                                                                  : 17 + Below(longest, &random)};
    const TextSet set = {RandomDfa(40, num_letters, &random), window};
    const Result<CountedDfa> counted = Counted(set);
    if (!counted) {
      ++refused;
      continue;
    }
    with_tests += counted->HasTests() ? 1 : 0;
    std::vector<std::string> texts, expected;
    Walk{*counted, Letters(), num_letters, longest}.From(0, 0, "", &texts);
    for (const std::string& text : AllTexts(num_letters, longest)) {
      if (Contains(set, text)) expected.push_back(text);
    }
    std::sort(texts.begin(), texts.end());
    std::sort(expected.begin(), expected.end());
    if (!EXPECT(texts == expected)) return;
  }
  EXPECT(with_tests > 300);
  EXPECT_EQ(refused, 0);
}

TEST(Counted, SmallWindowsNeedNoCounter) {
  const Result<CountedDfa> counted = Counted({Dfa::All(), {1, kUnlimited}});
  ASSERT(counted);
  EXPECT(!counted->HasTests());
  EXPECT_EQ(counted->texts.size(), 2U);
}

TEST(Counted, LargeWindowsCostNoStates) {
  const Result<CountedDfa> counted = Counted({Dfa::All(), {1000, 1'000'000}});
  ASSERT(counted);
  EXPECT_EQ(counted->texts.size(), 1U);
  EXPECT(counted->enter[0] == (LengthWindow{0, 1'000'000}));
  EXPECT_EQ(counted->accept_min[0], 1000U);
  // Pairs of letters: the bounds are even already, and a pair is always finished.
  const Result<CountedDfa> pairs = Counted({Ring(2), {3, 999'999}});
  ASSERT(pairs);
  EXPECT_EQ(pairs->texts.size(), 2U);
  EXPECT(pairs->enter[0] == LengthWindow() || pairs->enter[0].max == 999'998U);
  EXPECT_EQ(pairs->enter[1].max, 999'997U);
}

TEST(Counted, RefusesByNameWhatCannotBeCounted) {
  // After a b only multiples of 7 of what follows: the remaining room would have to be known
  // modulo 7 in one state.
  DfaBuilder builder;
  for (int i = 0; i < 8; ++i) builder.AddState(i == 1);
  builder.AddEdge(0, {'a', 'a'}, 0);
  builder.AddEdge(0, {'b', 'b'}, 1);
  for (DfaState i = 1; i < 8; ++i) builder.AddEdge(i, {'c', 'c'}, i == 7 ? 1 : i + 1);
  const TextSet set = {builder.Build(), {1'000'000, 1'000'002}};
  EXPECT(!IsEmpty(set));
  const Result<CountedDfa> counted = Counted(set);
  ASSERT(!counted);
  EXPECT_EQ(counted.error().code, ErrorCode::kInvalidGrammar);
}

}  // namespace
}  // namespace sentiric::grammar
