// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/token_slices.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/grammar/tokens/token_trie.h"
#include "grammar/tokens/mask_check.h"

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
      const auto mask = slices.Find(slice, (tokens.size() + 63) / 64);
      std::size_t num_tokens = 0, num_wrong = 0;
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        const TextShape shape = ShapeOf(tokens[t]);
        const bool is_in = (shape.groups & ~slice.groups) == 0 && shape.num_characters <= size;
        num_tokens += is_in;
        if (mask) num_wrong += is_in != mask->Contains(static_cast<Token>(t));
      }
      EXPECT_EQ(num_wrong, 0U);
      EXPECT(mask ? mask->num_allowed == num_tokens : num_tokens < 300);
      EXPECT(mask == nullptr || slices.HasMany(slice.groups));
    }
  }
}

TEST(TokenSlices, MasksAreWhatAcceptsSays) {
  const std::vector<std::string> tokens = MixedVocabulary();
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
    ExpectMasksOfTexts(trie, tokens, *grammar, root, &random);
  }
}

}  // namespace
}  // namespace sentiric::grammar
