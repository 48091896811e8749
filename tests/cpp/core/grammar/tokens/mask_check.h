// SPDX-License-Identifier: AGPL-3.0-only
// Masks of a vocabulary against the matcher's word on each of its tokens.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/tokens/token_trie.h"

namespace sentiric::grammar {

// Words of many lengths and scripts, with pieces of JSON, control characters and broken ones.
inline std::vector<std::string> MixedVocabulary() {
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
  // Many that begin alike.
  for (int n = 0; n < 2000; ++n) {
    std::string token = ".";
    for (int i = 0; i < 4; ++i) token += static_cast<char>('a' + random() % 26);
    if (n % 50 == 0) token += n % 100 == 0 ? "\"" : ".";
    tokens.push_back(token);
  }
  return tokens;
}

// The mask against one Accepts per token. Returns the tokens that may follow.
inline std::vector<std::string> ExpectSameAsAccepts(const TokenTrie& trie,
                                                    const std::vector<std::string>& tokens,
                                                    Matcher* matcher, const char* name) {
  std::vector<std::string> allowed;
  const auto mask = trie.Allowed(matcher);
  if (!EXPECT(mask)) return allowed;
  for (std::size_t t = 0; t < tokens.size() && check::Failures() == 0; ++t) {
    const bool accepted = matcher->Accepts(tokens[t]);
    if (accepted) allowed.push_back(tokens[t]);
    if ((*mask)->Contains(static_cast<Token>(t)) != accepted)
      EXPECT_EQ("token '" + tokens[t] + "' of " + name, accepted ? "allowed" : "refused");
  }
  EXPECT(!matcher->BudgetExceeded());
  EXPECT_EQ((*mask)->num_allowed, allowed.size());
  return allowed;
}

// Texts of the grammar, a random token at a time, with the mask before each.
inline void ExpectMasksOfTexts(const TokenTrie& trie, const std::vector<std::string>& tokens,
                               const std::shared_ptr<const Grammar>& grammar, const char* name,
                               std::mt19937* random) {
  for (int round = 0; round < 3; ++round) {
    Matcher matcher(grammar);
    for (int step = 0; step < 25; ++step) {
      const auto next = ExpectSameAsAccepts(trie, tokens, &matcher, name);
      if (next.empty() || check::Failures() > 0) break;
      std::string token = next[(*random)() % next.size()];
      for (int retry = 0; retry < 5 && token.size() > 6; ++retry)
        token = next[(*random)() % next.size()];
      EXPECT(matcher.Advance(token));
    }
  }
}

}  // namespace sentiric::grammar
