// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/token_slices.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/automaton/token_trie.h"
#include "core/grammar/gbnf/compile_gbnf.h"

namespace sentiric::grammar {
namespace {

TEST(ByteGroups, ShapesOfTexts) {
  EXPECT_EQ(ShapeOf("").groups, 0U);
  EXPECT_EQ(ShapeOf("abc").groups, ShapeOf("f").groups);
  EXPECT(ShapeOf("abc").groups != ShapeOf("g").groups);
  EXPECT_EQ(ShapeOf("a\"ş").groups, ShapeOf("a").groups | ShapeOf("\"").groups | kLongCharacters);
  EXPECT_EQ(ShapeOf("çş東\U0001F600").num_characters, 4U);
  EXPECT_EQ(ShapeOf("\xC3").groups, kBrokenCharacters);
  EXPECT_EQ(ShapeOf("\xA7x\xE6\x9D").num_characters, 4U);
  for (std::size_t byte = 0; byte < 0x80; ++byte)
    EXPECT(GroupOf(static_cast<std::uint8_t>(byte)) < kNumAsciiGroups);
}

TEST(TokenSlices, HaveTheTokensOfTheirShape) {
  TokenSlices slices;
  std::vector<std::string> tokens;
  std::mt19937 random(4);
  const std::vector<std::string> parts = {"a", "Z", "7", "ş", "\"", "\xC5", " "};
  for (Token t = 0; t < 3000; ++t) {
    std::string text;
    for (auto n = random() % 40 + 1; n > 0; --n) text += parts[random() % (random() % 7 + 1)];
    slices.Add(t, ShapeOf(text));
    tokens.push_back(text);
  }
  for (const std::uint32_t size : {20U, 31U, 7U, 32U, Slice::kAnySize, 12U, 0U}) {
    for (const char* allowed : {"aZ7", "aZ7ş\"", "a", "aZ7ş\"\xC5 "}) {
      const Slice slice = {ShapeOf(allowed).groups, size};
      const TokenSlices::Words words = slices.Find(slice, (tokens.size() + 63) / 64);
      std::size_t num_tokens = 0, num_wrong = 0;
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        const TextShape shape = ShapeOf(tokens[t]);
        const bool is_in = (shape.groups & ~slice.groups) == 0 && shape.num_characters <= size;
        num_tokens += is_in;
        if (words) num_wrong += is_in != (((*words)[t / 64] >> (t % 64) & 1) != 0);
      }
      EXPECT_EQ(num_wrong, 0U);
      EXPECT(words || num_tokens < 300);
    }
  }
}

// Words of many lengths and scripts, with pieces of JSON, control characters and broken ones.
std::vector<std::string> Vocabulary() {
  const std::vector<std::string> letters = {"a", "e", "i", "n",  "r",         "x", "f",
                                            "0", "9", "_", "-",  "E",         "K", " ",
                                            ".", "ş", "ı", "東", "\U0001F600"};
  const std::vector<std::string> marks = {"\"", "\\", "\n", ",",    ":",    "}",
                                          "{",  "]",  "[",  "\xC5", "\x9F", "\xE6\x9D"};
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* text : {"\",", "\": ", "\":\"", " \"", "\", \"", "\"}", "\"]", "\\n", "\\\"",
                           "idea", "ident", "index", "id\"", "note\"", "\"id\"", "{\"", "true"})
    tokens.emplace_back(text);
  std::mt19937 random(9);
  while (tokens.size() < 4000) {
    std::string token;
    const auto length = random() % 20 == 0 ? random() % 60 + 1 : random() % 7 + 1;
    const auto num_letters = random() % letters.size() + 1;
    for (auto n = length; n > 0; --n) token += letters[random() % num_letters];
    if (random() % 4 == 0) token += marks[random() % marks.size()];
    if (random() % 8 == 0) token = marks[random() % marks.size()] + token;
    tokens.push_back(token);
  }
  for (std::size_t n = 1; n < 80; ++n) tokens.emplace_back(n, n % 2 ? ' ' : '-');
  return tokens;
}

// The mask against one Accepts per token. Returns the tokens that may follow.
std::vector<std::string> ExpectSameAsAccepts(const TokenTrie& trie,
                                             const std::vector<std::string>& tokens,
                                             Matcher* matcher, const char* gbnf) {
  std::vector<std::string> allowed;
  const auto mask = trie.Allowed(matcher);
  if (!EXPECT(mask)) return allowed;
  for (std::size_t t = 0; t < tokens.size() && check::Failures() == 0; ++t) {
    const bool accepted = matcher->Accepts(tokens[t]);
    if (accepted) allowed.push_back(tokens[t]);
    if ((*mask)->Contains(static_cast<Token>(t)) != accepted)
      EXPECT_EQ("token '" + tokens[t] + "' of " + gbnf, accepted ? "allowed" : "refused");
  }
  EXPECT(!matcher->BudgetExceeded());
  EXPECT_EQ((*mask)->num_allowed, allowed.size());
  return allowed;
}

TEST(TokenSlices, MasksAreWhatAcceptsSays) {
  const std::vector<std::string> tokens = Vocabulary();
  const TokenTrie trie(tokens);
  std::mt19937 random(6);
  const std::string base =
      "\nstring ::= \"\\\"\" char* \"\\\"\"\n"
      "char ::= [^\"\\\\\\x7F\\x00-\\x1F] | [\\\\] [\"\\\\nt]\n";
  for (const char* root :
       {"root ::= ([^n\"\\\\] | \"n\" [a-e ])* \"\\\"\"",
        "root ::= \"{\" string \":\" string \"}\"", "root ::= \"\\\"\" char{3,12} \"\\\"\" string?",
        "root ::= \"\\\"\" char{0,50} \"\\\"\"", "root ::= char{40,90}",
        "root ::= ([^a-m\"] [ -~]*)", "root ::= [a-z0-9]+ (\"-\" [a-z0-9]+)* \".\" [a-z]{2,9}",
        "root ::= ([0-9a-f]{4} | [a-z]{7} | [A-Z ]{1,40}){1,3}",
        "root ::= \"\\\"\" (\"i\" (\"d\" char+ | [^d\"\\\\])? | [^i\"\\\\] char*) \"\\\"\"",
        "root ::= (char [ş東x])* \"\\\"\"", "root ::= [^ş\"]{0,35} \"ş\"",
        "root ::= [東-龍ş]{2,33}", "root ::= (char{2} \"-\"){4,20} | (char [^n]){3,44}"}) {
    const auto grammar = CompileGbnf(root + base, Limits::ForSchema());
    if (!EXPECT(grammar)) continue;
    for (int round = 0; round < 3; ++round) {
      Matcher matcher(*grammar);
      for (int step = 0; step < 25; ++step) {
        const auto next = ExpectSameAsAccepts(trie, tokens, &matcher, root);
        if (next.empty() || check::Failures() > 0) break;
        std::string token = next[random() % next.size()];
        for (int retry = 0; retry < 5 && token.size() > 6; ++retry)
          token = next[random() % next.size()];
        EXPECT(matcher.Advance(token));
      }
    }
  }
}

}  // namespace
}  // namespace sentiric::grammar
