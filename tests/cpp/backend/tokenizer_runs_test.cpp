// SPDX-License-Identifier: AGPL-3.0-only
// Texts made to exhaust the stack or the clock of llama.cpp's pre-tokenizers.
#include <string>
#include <vector>

#include "backend/model/run_splitter.h"
#include "backend/model/tokenizer.h"
#include "check.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

using testing::LoadVocabulary;
using testing::Vocabulary;

// What is repeated: each class alone, characters of several bytes, and mixtures that cross the
// classes so that no run of one class is long.
const std::vector<std::string> kPatterns = {
    "a", "A", "7", " ", "\n", "!", "\t", "é", "字", "😀", "\xCC\x81", "a1", "!字", "aA.",
};

std::string Repeat(const std::string& pattern, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + pattern.size());
  while (text.size() < bytes) text += pattern;
  return text;
}

// The number of tokens, or -1 when the call fails.
std::int64_t CountTokens(const Tokenizer& tokenizer, const std::string& text) {
  std::int64_t count = -1;
  (void)testing::Pool().Run([&] {
    const auto tokens = tokenizer.Tokenize(text, false, false);
    if (tokens.ok()) count = static_cast<std::int64_t>(tokens->size());
  });
  return count;
}

void TryAll(const std::string& name, std::size_t bytes) {
  const Tokenizer& tokenizer = *LoadVocabulary(name).tokenizer;
  for (const std::string& pattern : kPatterns) {
    EXPECT(CountTokens(tokenizer, Repeat(pattern, bytes)) >= 0);
  }
}

TEST(TokenizerRuns, NoVocabularyCrashesOnTenKilobytes) {
  for (const std::string& name : testing::VocabularyNames()) TryAll(name, 10 * 1000);
}

TEST(TokenizerRuns, NoVocabularyCrashesOnAHundredKilobytes) {
  for (const std::string& name : testing::VocabularyNames()) TryAll(name, 100 * 1000);
}

// Those that go through std::regex: each of these killed the process at 100 KB before.
TEST(TokenizerRuns, RegexVocabulariesSurviveAMegabyte) {
  for (const char* name : {"deepseek-llm", "deepseek-coder", "falcon", "gpt-neox", "aquila"}) {
    const Tokenizer& tokenizer = *LoadVocabulary(name).tokenizer;
    for (const char* pattern : {"a", "!字", " "}) {
      EXPECT(CountTokens(tokenizer, Repeat(pattern, 1000 * 1000)) > 0);
    }
  }
}

// 36 s in one call of the backend.
TEST(TokenizerRuns, ByteFallbackIsNotQuadratic) {
  for (const char* name : {"llama-spm", "phi-3", "baichuan"}) {
    const Tokenizer& tokenizer = *LoadVocabulary(name).tokenizer;
    const std::string text = Repeat("\n", 1000 * 1000);
    EXPECT(CountTokens(tokenizer, text) >= 1000 * 1000 / 16);
  }
}

TEST(TokenizerRuns, FallbackCutsChangeNothing) {
  const std::string text = Repeat("\n\nfour words  and 😀😀\t", 60 * 1000);
  for (const char* name : {"llama-spm", "phi-3", "baichuan"}) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    std::vector<Token> tokens;
    (void)testing::Pool().Run(
        [&] { tokens = vocabulary.tokenizer->Tokenize(text, true, false).value(); });
    EXPECT(tokens == testing::PlainTokens(vocabulary.vocab(), text, true, false));
  }
}

TEST(TokenizerRuns, CutsOnlyLongRuns) {
  EXPECT(FindRunCuts(Repeat("word ", 1000 * 1000 / 8)).empty());
  EXPECT(FindRunCuts(Repeat("多年以前，", 100 * 1000)).size() <= 1);
  EXPECT(FindRunCuts(std::string(kMaxClassRun, 'a')).empty());
  EXPECT(FindRunCuts(std::string(kMaxClassRun + 1, 'a')) == std::vector<std::size_t>{kMaxClassRun});
  EXPECT_EQ(FindRunCuts(Repeat("a1", 1000 * 1000)).size(), std::size_t{1000000 / kMaxWordRun});
  EXPECT(FindRunCuts(Repeat("word \n", 1000 * 1000)).empty());
}

TEST(TokenizerRuns, CutsStandBetweenCharacters) {
  const std::string text = Repeat("字", 100 * 1000);
  for (const std::size_t cut : FindRunCuts(text)) EXPECT_EQ(cut % 3, std::size_t{0});
  EXPECT_EQ(FindRunCuts(text).size(), text.size() / 3 / kMaxClassRun);
}

TEST(TokenizerRuns, OrdinaryTextIsNotTouched) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "The year " + std::to_string(i) + ": naïve café, 東京。\n";
  for (const std::string& name : testing::VocabularyNames()) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    std::vector<Token> tokens;
    (void)testing::Pool().Run(
        [&] { tokens = vocabulary.tokenizer->Tokenize(text, true, true).value(); });
    EXPECT(tokens == testing::PlainTokens(vocabulary.vocab(), text, true, true));
  }
}

TEST(TokenizerRuns, ARunKeepsItsText) {
  for (const char* name : {"deepseek-llm", "gpt-2", "llama-bpe", "gemma-4", "falcon"}) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    const std::string text = Repeat("ab", 9000) + " " + Repeat("12", 9000) + Repeat("é", 9000);
    std::vector<Token> tokens;
    (void)testing::Pool().Run(
        [&] { tokens = vocabulary.tokenizer->Tokenize(text, false, false).value(); });
    EXPECT(vocabulary.tokenizer->Detokenize(tokens, false).value() == text);
  }
}

}  // namespace
}  // namespace sentiric::backend
