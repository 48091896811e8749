// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/dfa.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "check.h"
#include "core/grammar/regular/dfa_builder.h"
#include "random_dfa.h"

namespace sentiric::grammar {
namespace {

TEST(Dfa, NoneAndAll) {
  EXPECT(Dfa::None().IsEmpty());
  EXPECT(!Dfa::None().Matches(""));
  EXPECT(!Dfa::None().IsAll());
  EXPECT(Dfa::All().IsAll());
  EXPECT(!Dfa::All().IsEmpty());
  EXPECT(Dfa::All().Matches(""));
  EXPECT(Dfa::All().Matches("aé€😀\n"));
  EXPECT(!Dfa::All().Matches("\xC3"));
  EXPECT(!Dfa::All().Matches("\xED\xA0\x80"));  // a surrogate
  EXPECT(Dfa() == Dfa::None());
}

TEST(Dfa, FiniteSetsShareBeginningsAndEndings) {
  const Dfa dfa = Dfa::Of({"tap", "taps", "top", "tops", "tap"});
  EXPECT_EQ(dfa.size(), 5U);  // t [ao] p s?
  for (const char* text : {"tap", "taps", "top", "tops"}) EXPECT(dfa.Matches(text));
  for (const char* text : {"", "t", "ta", "tapss", "tip"}) EXPECT(!dfa.Matches(text));
  EXPECT(dfa == Dfa::Of({"tops", "top", "taps", "tap"}));
  EXPECT_EQ(dfa.Hash(), Dfa::Of({"tops", "top", "taps", "tap"}).Hash());
  EXPECT(dfa != Dfa::Of({"tap"}));
  EXPECT(Dfa::Of({}).IsEmpty());
  EXPECT(Dfa::Of({"\xFF"}).IsEmpty());
  EXPECT_EQ(Dfa::Of({""}).size(), 1U);
}

TEST(Dfa, CharactersAreCodePoints) {
  const Dfa dfa = Dfa::OfChars({{0x61, 0x1F600}});
  for (const char* text : {"a", "é", "€", "\uE000", "😀"}) EXPECT(dfa.Matches(text));
  for (const char* text : {"", "aa", "A", "😁"}) EXPECT(!dfa.Matches(text));
  for (const DfaEdge& edge : dfa.edges(0)) {
    EXPECT(edge.range.last < kFirstSurrogate || edge.range.first > kLastSurrogate);
  }
  EXPECT(Dfa::OfChars({{kFirstSurrogate, kLastSurrogate}}).IsEmpty());
}

// Equal sets, built from different automata, are equal and have the number of states that
// Brzozowski's theorem demands: no two states have the same future.
TEST(DfaBuilder, IsMinimalAndCanonical) {
  Random random(1);
  for (int round = 0; round < 500; ++round) {
    const Dfa dfa = RandomDfa(8, 3, &random);
    DfaBuilder twice;  // each state twice, and edges cut in two
    for (DfaState s = 0; s < 2 * dfa.size(); ++s) twice.AddState(dfa.accepts(s / 2));
    for (DfaState s = 0; s < 2 * dfa.size(); ++s) {
      for (const DfaEdge& edge : dfa.edges(s / 2)) {
        for (CodePoint c = edge.range.first; c <= edge.range.last; ++c) {
          twice.AddEdge(s, {c, c}, 2 * edge.target + Below(2, &random));
        }
      }
    }
    const Dfa again = twice.Build(Below(2, &random));
    if (!EXPECT(again == dfa)) return;
    EXPECT_EQ(again.Hash(), dfa.Hash());
    std::vector<std::vector<bool>> futures;
    for (DfaState s = 0; s < dfa.size(); ++s) {
      std::vector<bool>& future = futures.emplace_back();
      for (const std::string& text : AllTexts(3, 6)) {
        std::vector<CodePoint> chars;
        DecodeAll(text, &chars);
        DfaState at = s;
        for (CodePoint c : chars) at = dfa.Next(at, c);
        future.push_back(at != kNoState && dfa.accepts(at));
      }
    }
    std::sort(futures.begin(), futures.end());
    EXPECT(std::adjacent_find(futures.begin(), futures.end()) == futures.end());
  }
}

// A state before a loop has infinitely many texts, those of the word have few: both are merged.
TEST(DfaBuilder, MergesEndsBesideLoops) {
  DfaBuilder builder;  // (a|b)x*yz | cyz, with a copy of each state for each way
  const DfaState start = builder.AddState();
  for (CodePoint c : {CodePoint{'a'}, CodePoint{'b'}, CodePoint{'c'}}) {
    const DfaState loop = builder.AddState(), y = builder.AddState(), z = builder.AddState(true);
    builder.AddEdge(start, {c, c}, loop);
    if (c != 'c') builder.AddEdge(loop, {'x', 'x'}, loop);
    builder.AddEdge(loop, {'y', 'y'}, y);
    builder.AddEdge(y, {'z', 'z'}, z);
    builder.AddEdge(z, {'z', 'z'}, builder.AddState());  // dead
  }
  const Dfa dfa = builder.Build();
  EXPECT_EQ(dfa.size(), 5U);  // the start, behind a or b, behind c, behind y, the end
  for (const char* text : {"ayz", "bxxyz", "cyz"}) EXPECT(dfa.Matches(text));
  for (const char* text : {"cxyz", "ay", "ayzz", "axx"}) EXPECT(!dfa.Matches(text));
}

TEST(DfaBuilder, TakesEdgesInAnyOrder) {
  DfaBuilder builder;
  for (int i = 0; i < 3; ++i) builder.AddState(i == 2);
  builder.AddEdge(1, {'c', 'd'}, 2);
  builder.AddEdge(0, {'n', kMaxCodePoint}, 1);  // around the surrogates
  builder.AddEdge(1, {'a', 'b'}, 2);
  builder.AddEdge(0, {'a', 'm'}, 1);
  builder.AddEdge(1, {'c', 'd'}, 2);  // again
  const Dfa dfa = builder.Build();
  EXPECT_EQ(dfa.num_edges(), 3U);
  for (const char* text : {"aa", "zd", "😀b"}) EXPECT(dfa.Matches(text));
  for (const char* text : {"a", "ae", "0a"}) EXPECT(!dfa.Matches(text));
}

TEST(DfaBuilder, LongChainsAndLoopsMinimise) {
  DfaBuilder chain;  // a^19999, twice in parallel behind a or b
  chain.AddState();
  DfaState ends[2] = {0, 0};
  for (CodePoint c : {CodePoint{'a'}, CodePoint{'b'}}) {
    DfaState at = 0;
    for (int i = 0; i < 9999; ++i) {
      const DfaState next = chain.AddState(i == 9998);
      chain.AddEdge(at, {i == 0 ? c : 'a', i == 0 ? c : 'a'}, next);
      at = next;
    }
    ends[c - 'a'] = at;
  }
  EXPECT(ends[0] != ends[1]);
  EXPECT_EQ(chain.Build().size(), 10'000U);

  DfaBuilder ring;  // (a^30000)* accepting each third state is (aaa)*
  for (int i = 0; i < 30'000; ++i) ring.AddState(i % 3 == 0);
  for (DfaState s = 0; s < 30'000; ++s) ring.AddEdge(s, {'a', 'a'}, (s + 1) % 30'000);
  EXPECT_EQ(ring.Build().size(), 3U);
}

TEST(DfaBuilder, ChecksLimits) {
  DfaBuilder builder;
  for (int i = 0; i < 11; ++i) builder.AddState();
  EXPECT(!builder.Check({11, 1}));
  const Status error = builder.Check({10, 1});
  ASSERT(error);
  EXPECT_EQ(error->code, ErrorCode::kInvalidGrammar);
  EXPECT_EQ(
      error->what,
      "too many states; got 11 or more, allowed 10; make the pattern smaller or lower its bounds");
}

}  // namespace
}  // namespace sentiric::grammar
