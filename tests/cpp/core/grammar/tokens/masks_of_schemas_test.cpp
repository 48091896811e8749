// SPDX-License-Identifier: AGPL-3.0-only
// Places where whole parts of a vocabulary are decided at once: strings of any and of limited
// length, names beside others, labels of host names.
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/json/compile_schema.h"
#include "core/grammar/tokens/token_tails.h"
#include "core/grammar/tokens/token_trie.h"
#include "grammar/tokens/mask_check.h"

namespace sentiric::grammar {
namespace {

TEST(MasksOfSchemas, AreWhatAcceptsSays) {
  const std::vector<std::string> tokens = MixedVocabulary();
  const TokenTrie trie(tokens);
  std::mt19937 random(21);
  for (const char* schema :
       {R"({"type": "string"})", R"({"type": "object"})",
        R"({"properties": {"id": {"type": "string"}, "idea": {"maxLength": 9}}, "type": "object"})",
        R"({"type": "array", "items": {"type": "string", "maxLength": 40}})",
        R"({"type": "string", "minLength": 3, "maxLength": 100})",
        R"({"type": "array", "items": {"format": "hostname", "type": "string"}})",
        R"({"type": "string", "format": "email"})",
        R"({"type": "string", "pattern": "^[a-z0-9]+([.-][a-z0-9]+)*$", "maxLength": 30})",
        R"({"type": "string", "pattern": "ne?x"})",
        R"({"type": "object", "patternProperties": {"^[a-k.]{2,}$": {"type": "boolean"}}})"}) {
    const auto grammar = CompileSchema(schema);
    if (!EXPECT(grammar)) continue;
    ExpectMasksOfTexts(trie, tokens, *grammar, schema, &random);
    for (const char* beginning : {"\"", "{\"", "[\"", "{\"id\": \"", "[\"a.b", "\"a.", "\"ab@x"}) {
      Matcher matcher(*grammar);
      if (matcher.Advance(beginning)) ExpectSameAsAccepts(trie, tokens, &matcher, schema);
    }
  }
}

TEST(TokenTails, AreWhatFollowsTheGroups) {
  const std::vector<std::string> texts = {"ab\"", "b\"",  "\"b",  "ab",
                                          "a b",  "a\",", "şa\"", "ab\"x"};
  std::vector<TokenText> all;
  for (std::size_t t = 0; t < texts.size(); ++t) all.push_back({texts[t], static_cast<Token>(t)});
  const Trie trie = MakeTrie(all);
  const GroupSet letters = ShapeOf("abx").groups | kLongCharacters;
  const auto tokens_of = [](const Trie& tails, const std::string& tail) {
    std::vector<Token> found;
    std::uint32_t at = 0;
    for (const char c : tail) {
      std::uint32_t i = tails.nodes[at].first_child;
      while (i < tails.nodes[at].children_end() &&
             tails.nodes[i].byte != static_cast<std::uint8_t>(c))
        ++i;
      if (i == tails.nodes[at].children_end()) return found;
      at = i;
    }
    tails.ForEachToken(tails.nodes[at], [&found](Token token) { found.push_back(token); });
    return found;
  };
  const TokenTails tails;
  const auto all_tails = tails.Find(trie, letters, letters | ShapeOf(" ").groups);
  ASSERT(all_tails != nullptr);
  EXPECT(tokens_of(all_tails->small, "\"") == (std::vector<Token>{0, 1, 6}));
  EXPECT(tokens_of(all_tails->small, "\"x") == std::vector<Token>{7});
  EXPECT(tokens_of(all_tails->small, "\",") == std::vector<Token>{5});
  EXPECT(tokens_of(all_tails->small, "\"b").empty());  // does not begin with a letter
  EXPECT(tokens_of(all_tails->small, " b").empty());   // refused behind letters
  const auto by_head = tails.FindByHead(trie, letters, letters | ShapeOf(" ").groups);
  ASSERT(by_head != nullptr);
  EXPECT(tokens_of((*by_head)[0], "\"") == std::vector<Token>{1});
  EXPECT(tokens_of((*by_head)[1], "\"") == (std::vector<Token>{0, 6}));
}

TEST(Trie, WholeAndBrokenTextsAreApart) {
  const std::vector<std::string> texts = {"\xC5\x9F", "\xC5", "\xC5\x9F\xC5", "a", "a", "", "\x9F"};
  std::vector<TokenText> all;
  for (std::size_t t = 0; t < texts.size(); ++t) all.push_back({texts[t], static_cast<Token>(t)});
  const Trie trie = MakeTrie(all);
  const std::vector<std::uint32_t> nodes = NodesOfTokens(trie, texts.size());
  EXPECT_EQ(trie.nodes.front().num_children, 4);  // a, the whole C5, the broken one, 9F
  EXPECT_EQ(nodes[5], 0U);
  EXPECT_EQ(nodes[3], nodes[4]);
  EXPECT_EQ(trie.nodes[nodes[0]].groups, kLongCharacters);
  EXPECT(trie.nodes[nodes[1]].first_child < trie.nodes[nodes[1]].end);
  EXPECT_EQ(trie.nodes[nodes[1]].max_characters, 2);
  EXPECT_EQ(trie.nodes.front().end, trie.nodes.size());
}

}  // namespace
}  // namespace sentiric::grammar
