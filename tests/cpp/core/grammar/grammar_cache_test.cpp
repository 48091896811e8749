// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/grammar_cache.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.h"
#include "core/grammar/automaton/matcher.h"

namespace sentiric::grammar {
namespace {

GrammarSpec Gbnf(std::string text) { return {GrammarSpec::Kind::kGbnf, std::move(text)}; }

GrammarSpec Numbered(int n) {
  return Gbnf("root ::= \"" + std::to_string(n) + "\" [a-z]* \"" + std::string(200, 'x') + "\"");
}

TEST(GrammarCache, SameTextSameGrammar) {
  GrammarCache cache;
  const auto first = cache.Compile(Gbnf("root ::= \"a\""));
  const auto again = cache.Compile(Gbnf("root ::= \"a\""));
  const auto other = cache.Compile(Gbnf("root ::= \"b\""));
  const auto choice = cache.Compile({GrammarSpec::Kind::kChoice, R"(["a"])"});
  ASSERT(first && again && other && choice);
  EXPECT_EQ(*first, *again);
  EXPECT(*first != *other && *first != *choice);
  EXPECT_EQ(cache.stats().hits, 1U);
  EXPECT_EQ(cache.stats().misses, 3U);
  EXPECT_EQ(cache.stats().entries, 3U);
}

TEST(GrammarCache, ErrorsAreNotKept) {
  GrammarCache cache;
  EXPECT(!cache.Compile(Gbnf("root ::= root")));
  EXPECT(!cache.Compile(Gbnf(std::string(100'000, ' '))));
  EXPECT_EQ(cache.stats().entries, 0U);
}

TEST(GrammarCache, IsBoundedAndKeepsWhatIsUsed) {
  const std::size_t max_bytes = 100'000;
  GrammarCache cache(max_bytes);
  const auto kept = cache.Compile(Numbered(-1));
  for (int i = 0; i < 300; ++i) {
    EXPECT(cache.Compile(Numbered(i)));
    EXPECT_EQ(*cache.Compile(Numbered(-1)), *kept);
    EXPECT(cache.stats().bytes <= max_bytes);
  }
  EXPECT(cache.stats().entries > 3 && cache.stats().entries < 100);
  EXPECT_EQ(cache.stats().hits, 300U);
  const auto evicted = cache.stats().misses;
  EXPECT(cache.Compile(Numbered(0)));
  EXPECT_EQ(cache.stats().misses, evicted + 1);
}

TEST(GrammarCache, CountsWhatGrammarsGrowBy) {
  GrammarCache cache;
  const auto grammar = cache.Compile(Gbnf("root ::= \"(\" root \")\" | \"x\""));
  ASSERT(grammar);
  const std::size_t before = cache.stats().bytes;
  Matcher matcher(*grammar);
  EXPECT(matcher.Advance(std::string(1000, '(')));
  EXPECT(cache.stats().bytes > before + 10'000);
}

TEST(GrammarCache, ThreadsMayCompileAtOnce) {
  GrammarCache cache(20'000);
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (int& count : good) {
    threads.emplace_back([&cache, &count] {
      for (int i = 0; i < 100; ++i) count += cache.Compile(Numbered(i % 13)).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : good) EXPECT_EQ(count, 100);
  EXPECT_EQ(cache.stats().hits + cache.stats().misses, 400U);
}

}  // namespace
}  // namespace sentiric::grammar
