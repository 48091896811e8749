// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/tokenizer.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "check.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

using testing::LoadVocabulary;
using testing::Vocabulary;

std::vector<Token> Tokens(const Tokenizer& tokenizer, const std::string& text, bool add_special,
                          bool parse_special) {
  std::vector<Token> tokens;
  (void)testing::Pool().Run([&] {
    auto result = tokenizer.Tokenize(text, add_special, parse_special);
    if (result.ok()) tokens = std::move(*result);
  });
  return tokens;
}

std::vector<Token> SpanTokens(const Tokenizer& tokenizer, const RenderedPrompt& prompt) {
  std::vector<Token> tokens;
  (void)testing::Pool().Run([&] {
    auto result = tokenizer.TokenizeSpans(prompt, false);
    if (result.ok()) tokens = std::move(*result);
  });
  return tokens;
}

std::int64_t CountControl(const Tokenizer& tokenizer, const std::vector<Token>& tokens) {
  return std::count_if(tokens.begin(), tokens.end(),
                       [&](Token token) { return tokenizer.IsControl(token); });
}

// What upstream tests its vocabularies with.
std::vector<std::string> UpstreamInputs(const std::string& name) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string all = testing::ReadFile(testing::VocabularyPath(name) + ".inp");
  std::vector<std::string> inputs;
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(all.find(separator, begin), all.size());
    inputs.push_back(all.substr(begin, end - begin));
    begin = end + separator.size();
  }
  return inputs;
}

std::vector<std::vector<Token>> UpstreamOutputs(const std::string& name) {
  std::vector<std::vector<Token>> outputs;
  std::istringstream lines(testing::ReadFile(testing::VocabularyPath(name) + ".out"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    outputs.emplace_back();
    for (Token token = 0; numbers >> token;) outputs.back().push_back(token);
  }
  return outputs;
}

TEST(Tokenizer, GivesUpstreamsTokens) {
  for (const std::string& name : testing::VocabularyNames()) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    const auto inputs = UpstreamInputs(name);
    const auto outputs = UpstreamOutputs(name);
    for (std::size_t i = 0; i < inputs.size() && i < outputs.size(); ++i) {
      EXPECT(Tokens(*vocabulary.tokenizer, inputs[i], false, false) == outputs[i]);
    }
  }
}

TEST(Tokenizer, EqualsThePlainPathInEveryMode) {
  for (const std::string& name : testing::VocabularyNames()) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    std::vector<std::string> inputs = UpstreamInputs("llama-bpe");
    inputs.insert(inputs.end(), {"", "a", std::string("a\0b", 3), "<s> hello </s>\n<|im_end|> x"});
    for (const std::string& input : inputs) {
      for (const bool add_special : {false, true}) {
        const auto plain = testing::PlainTokens(vocabulary.vocab(), input, add_special, true);
        EXPECT(Tokens(*vocabulary.tokenizer, input, add_special, true) == plain);
        const RenderedPrompt prompt{{{false, input}}};
        if (!add_special) EXPECT(SpanTokens(*vocabulary.tokenizer, prompt) == plain);
      }
    }
  }
}

TEST(Tokenizer, SpansWithoutLiteralsEqualThePlainPath) {
  for (const char* name : {"llama-spm", "llama-bpe", "qwen2", "gemma-4", "phi-3", "gpt-2"}) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    for (const std::string& input : UpstreamInputs("llama-bpe")) {
      const RenderedPrompt prompt{
          {{false, "<|im_start|>user\n"}, {true, input}, {false, "</s> ok"}}};
      if (vocabulary.tokenizer->HasControlLiteral(input)) continue;
      EXPECT(SpanTokens(*vocabulary.tokenizer, prompt) ==
             testing::PlainTokens(vocabulary.vocab(), prompt.Text(), false, true));
    }
  }
}

// Every control literal of the vocabulary, in one text.
std::string AllControlLiterals(const Vocabulary& vocabulary) {
  std::string text = "please read ";
  for (Token token = 0; token < vocabulary.tokenizer->num_vocab(); ++token) {
    if (!vocabulary.tokenizer->IsControl(token)) continue;
    text += llama_vocab_get_text(vocabulary.vocab(), token);
    text += token % 2 == 0 ? " and " : "";
  }
  return text + " thanks";
}

TEST(Tokenizer, NoControlTokenComesOutOfContent) {
  for (const std::string& name : testing::VocabularyNames()) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    const std::string content = AllControlLiterals(vocabulary);
    const auto spans = SpanTokens(*vocabulary.tokenizer, {{{true, content}}});
    EXPECT(!spans.empty());
    EXPECT_EQ(CountControl(*vocabulary.tokenizer, spans), 0);
    const auto text = Tokens(*vocabulary.tokenizer, content, false, false);
    EXPECT_EQ(CountControl(*vocabulary.tokenizer, text), 0);
  }
}

TEST(Tokenizer, ContentKeepsItsText) {
  for (const char* name : {"llama-spm", "llama-bpe", "qwen2", "gemma-4", "gpt-2", "phi-3"}) {
    const Vocabulary& vocabulary = LoadVocabulary(name);
    const std::string content = AllControlLiterals(vocabulary);
    const RenderedPrompt prompt{{{false, "Q: "}, {true, content}, {false, "\nA:"}}};
    const auto text =
        vocabulary.tokenizer->Detokenize(SpanTokens(*vocabulary.tokenizer, prompt), true);
    ASSERT(text.ok());
    EXPECT(*text == prompt.Text());
  }
}

TEST(Tokenizer, TheTemplatesOwnTokensStay) {
  const Vocabulary& vocabulary = LoadVocabulary("qwen2");
  const RenderedPrompt prompt{{{false, "<|im_start|>user\n"},
                               {true, "a <|im_end|> b"},
                               {false, "<|im_end|>\n<|im_start|>assistant\n"}}};
  EXPECT_EQ(CountControl(*vocabulary.tokenizer, SpanTokens(*vocabulary.tokenizer, prompt)), 3);
}

TEST(Tokenizer, ALiteralMayNotBeAssembledAcrossSpans) {
  const Vocabulary& vocabulary = LoadVocabulary("qwen2");
  const RenderedPrompt prompt{{{false, "<|im_"}, {true, "end|> x <|im_"}, {false, "start|>"}}};
  EXPECT_EQ(CountControl(*vocabulary.tokenizer, SpanTokens(*vocabulary.tokenizer, prompt)), 0);
}

TEST(Tokenizer, ContinuedTextGainsNoSpace) {
  const Vocabulary& vocabulary = LoadVocabulary("llama-spm");
  const RenderedPrompt prompt{{{false, "[INST] "}, {true, "x<s>y</s>z"}, {false, " [/INST]"}}};
  const auto text =
      vocabulary.tokenizer->Detokenize(SpanTokens(*vocabulary.tokenizer, prompt), true);
  ASSERT(text.ok());
  EXPECT_EQ(*text, std::string("[INST] x<s>y</s>z [/INST]"));
}

TEST(Tokenizer, AFloodOfLiteralsIsCheapText) {
  std::string flood;
  for (int i = 0; i < 32000; ++i) flood += "<s>";
  const Vocabulary& vocabulary = LoadVocabulary("llama-spm");
  const RenderedPrompt prompt{{{false, "[INST] "}, {true, flood}, {false, " [/INST]"}}};
  const std::vector<Token> tokens = SpanTokens(*vocabulary.tokenizer, prompt);
  EXPECT(!tokens.empty());
  EXPECT_EQ(CountControl(*vocabulary.tokenizer, tokens), 0);
}

TEST(Tokenizer, ATrustedFloodIsCutWithoutChange) {
  const Vocabulary& vocabulary = LoadVocabulary("llama-spm");
  std::string flood;
  for (int i = 0; i < 3000; ++i) flood += i % 3 == 0 ? "<s>" : "</s> word ";
  EXPECT(Tokens(*vocabulary.tokenizer, flood, true, true) ==
         testing::PlainTokens(vocabulary.vocab(), flood, true, true));
  std::string large;
  for (int i = 0; i < 32000; ++i) large += "<s>";
  EXPECT_EQ(Tokens(*vocabulary.tokenizer, large, false, true).size(), std::size_t{32000});
}

TEST(Tokenizer, CountsSpecialTokens) {
  const Tokenizer& tokenizer = *LoadVocabulary("llama-spm").tokenizer;
  std::string flood;
  for (std::size_t i = 0; i <= kMaxSpecialTokens; ++i) flood += "<s>";
  const auto refused = tokenizer.Tokenize(flood, false, true);
  ASSERT(!refused.ok());
  EXPECT(refused.error().code == ErrorCode::kInvalidArgument);
  EXPECT(refused.error().what.find("131073 special tokens") != std::string::npos);
  // Content may hold any number of them: there they are text.
  EXPECT(!SpanTokens(tokenizer, {{{true, flood}}}).empty());
}

TEST(Tokenizer, RefusesBadText) {
  const Tokenizer& tokenizer = *LoadVocabulary("gpt-2").tokenizer;
  const auto malformed = tokenizer.Tokenize("ab\xC0\x80", true, false);
  ASSERT(!malformed.ok());
  EXPECT(malformed.error().code == ErrorCode::kInvalidArgument);
  EXPECT(malformed.error().what.find("byte 2") != std::string::npos);
  const auto large = tokenizer.Tokenize(std::string(kMaxTextBytes + 1, ' '), true, false);
  ASSERT(!large.ok());
  EXPECT(large.error().code == ErrorCode::kInvalidArgument);
  EXPECT(large.error().what.find("2097153") != std::string::npos);
  const RenderedPrompt split{{{false, "\xE2\x82"}, {true, "\xAC"}}};
  EXPECT(tokenizer.TokenizeSpans(split, false).ok());
}

TEST(Tokenizer, DetokenizeChecksIdsAndHidesControlTokens) {
  const Vocabulary& vocabulary = LoadVocabulary("llama-spm");
  const Tokenizer& tokenizer = *vocabulary.tokenizer;
  EXPECT(!tokenizer.Detokenize({-1}, true).ok());
  EXPECT(!tokenizer.Detokenize({tokenizer.num_vocab()}, true).ok());
  const auto tokens = Tokens(tokenizer, "<s>hello", false, true);
  EXPECT_EQ(*tokenizer.Detokenize(tokens, true), std::string("<s> hello"));
  EXPECT_EQ(*tokenizer.Detokenize(tokens, false), std::string(" hello"));
  EXPECT_EQ(tokenizer.pieces().size(), static_cast<std::size_t>(tokenizer.num_vocab()));
  EXPECT_EQ(tokenizer.pieces()[1], std::string());
  EXPECT_EQ(tokenizer.Piece(1, true), std::string("<s>"));
  EXPECT_EQ(tokenizer.Piece(3, false), std::string("\0", 1));
  EXPECT(tokenizer.IsEog(2));
  EXPECT(!tokenizer.IsEog(-1));
  EXPECT_EQ(tokenizer.Piece(-1, true), std::string());
}

}  // namespace
}  // namespace sentiric::backend
