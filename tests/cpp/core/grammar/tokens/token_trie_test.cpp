// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/token_trie.h"
#include "core/grammar/gbnf/compile_gbnf.h"

#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "grammar/automaton/json_grammar.h"

namespace sentiric::grammar {
namespace {

std::shared_ptr<const Grammar> Make(const std::string& gbnf) {
  auto grammar = CompileGbnf(gbnf, Limits::ForSchema());
  EXPECT_EQ(grammar ? "" : grammar.error().Message(), "");
  return grammar ? *grammar : *CompileGbnf("root ::= \"\"", Limits::ForSchema());
}

// Bytes, pieces of JSON and words; some empty (control tokens), some twice.
std::vector<std::string> Vocabulary(std::size_t num_tokens) {
  std::vector<std::string> tokens = {"",     "",   "{\"", "\": ", "\", \"", "\"}", "true", "false",
                                     "null", "}}", "]}",  " \"",  "ı",      "ş\"", "\n  ", "true"};
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  std::mt19937 random(7);
  const std::string letters = "aeinrlkdmtsyobuşğ {}[]\",:0123456789-._";
  while (tokens.size() < num_tokens) {
    std::string token = random() % 2 ? " " : "";
    for (auto n = random() % 7 + 1; n > 0; --n)
      token += letters[random() % (random() % 4 == 0 ? letters.size() : 18)];
    tokens.push_back(token);
  }
  return tokens;
}

// The mask against one Accepts per token.
void ExpectSameAsAccepts(const TokenTrie& trie, const std::vector<std::string>& tokens,
                         Matcher* matcher) {
  const auto mask = trie.Allowed(matcher);
  ASSERT(mask);
  std::size_t num_allowed = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const bool accepted = !tokens[t].empty() && matcher->Accepts(tokens[t]);
    num_allowed += accepted;
    if ((*mask)->Contains(static_cast<Token>(t)) != accepted) {
      EXPECT_EQ("token '" + tokens[t] + "'", accepted ? "allowed" : "refused");
      return;
    }
  }
  EXPECT_EQ((*mask)->num_allowed, num_allowed);
}

TEST(TokenTrie, MaskIsWhatAcceptsSays) {
  const std::vector<std::string> tokens = Vocabulary(3000);
  const TokenTrie trie(tokens);
  std::mt19937 random(3);
  for (const char* gbnf : {kJsonObject, kJsonPerson, "root ::= (\"ab\"? [a-zşğ]{3,9} \" \"){1,3}",
                           "root ::= [^a-m\"]* \"\\\"\""}) {
    Matcher matcher(Make(gbnf));
    for (int step = 0; step < 40; ++step) {
      ExpectSameAsAccepts(trie, tokens, &matcher);
      std::vector<std::string> next;
      const auto mask = trie.Allowed(&matcher);
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        if ((*mask)->Contains(static_cast<Token>(t))) next.push_back(tokens[t]);
      }
      if (next.empty()) break;
      EXPECT(matcher.Advance(next[random() % next.size()]));
    }
  }
}

TEST(TokenTrie, EdgesOfTheVocabulary) {
  const TokenTrie none({});
  Matcher matcher(Make("root ::= \"a\"{2}"));
  EXPECT_EQ((*none.Allowed(&matcher))->num_allowed, std::size_t{0});
  const TokenTrie trie({"", "a", "aa", "aaa", "a", "", "aa"});
  const auto mask = *trie.Allowed(&matcher);
  EXPECT_EQ(mask->num_allowed, std::size_t{4});
  EXPECT(mask->Contains(1) && mask->Contains(2) && mask->Contains(4) && mask->Contains(6));
  EXPECT(!mask->Contains(0) && !mask->Contains(3) && !mask->Contains(5) && !mask->Contains(7) &&
         !mask->Contains(-1));
  EXPECT(matcher.Advance("aa"));
  EXPECT_EQ((*trie.Allowed(&matcher))->num_allowed, std::size_t{0});
}

TEST(TokenTrie, MasksAreShared) {
  const std::vector<std::string> tokens = Vocabulary(2000);
  const TokenTrie trie(tokens);
  const auto grammar = Make("root ::= \"<\" [a-z]{2,5000} \">\" [a-z]*");
  Matcher one(grammar), two(grammar);
  EXPECT(one.Advance("<abcdefg") && two.Advance("<xyz"));
  // Far from its bounds the count does not matter.
  EXPECT_EQ(trie.Allowed(&one)->get(), trie.Allowed(&two)->get());
  EXPECT(two.Advance(std::string(4990, 'a')));
  EXPECT(trie.Allowed(&one)->get() != trie.Allowed(&two)->get());
  ExpectSameAsAccepts(trie, tokens, &two);
}

TEST(TokenTrie, CountsThatMatterAreKept) {
  std::vector<std::string> tokens;
  for (std::size_t n = 1; n <= 6; ++n) tokens.emplace_back(n, 'a');
  for (std::size_t n = 0; n <= 5; ++n) tokens.push_back(std::string(n, 'a') + "!");
  const TokenTrie trie(tokens);
  for (const char* gbnf :
       {"root ::= [a]{4,30} \"!\"", "root ::= ([a]{9,} \"!\"){2}",
        "root ::= (\"a\"{2,11}){3,20} \"!\"", "root ::= (([a] [a]?){12} | [a]{20}) \"!\""}) {
    Matcher matcher(Make(gbnf));
    for (int n = 0; n < 40; ++n) {
      ExpectSameAsAccepts(trie, tokens, &matcher);
      if (!matcher.Advance("a")) break;
    }
  }
}

TEST(TokenTrie, MaskMemoryIsBounded) {
  const std::vector<std::string> tokens = Vocabulary(2000);
  const std::size_t max_bytes = 4000;
  const TokenTrie trie(tokens, max_bytes);
  Matcher matcher(Make(kJsonObject));
  EXPECT(matcher.Advance("{\"a\": "));
  for (int i = 0; i < 50; ++i) {
    EXPECT(trie.Allowed(&matcher));
    EXPECT(trie.MaskBytes() <= max_bytes);
    EXPECT(matcher.Advance("["));
  }
  ExpectSameAsAccepts(trie, tokens, &matcher);
}

TEST(TokenTrie, RunsOutOfBudget) {
  const TokenTrie trie(Vocabulary(2000));
  Matcher matcher(Make(kJsonObject), 30);
  const auto mask = trie.Allowed(&matcher);
  ASSERT(!mask && matcher.BudgetExceeded());
  EXPECT_EQ(mask.error().code, ErrorCode::kGrammarTooComplex);
  EXPECT(!trie.Allowed(&matcher));
}

}  // namespace
}  // namespace sentiric::grammar
