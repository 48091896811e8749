// SPDX-License-Identifier: AGPL-3.0-only
// Forced text as tokens: the longest match stands for a model's tokenizer.
#include "core/sampling/forced_tokens.h"

#include <algorithm>

#include "check.h"
#include "core/grammar/automaton/grammar.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/sampling/row_picker.h"
#include "core/sampling/vocab_sampler.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

// All single bytes, some words, one token that ends.
std::shared_ptr<const Vocab> MakeVocab() {
  auto vocab = std::make_shared<Vocab>();
  for (int byte = 0; byte < 256; ++byte) {
    vocab->pieces.push_back(std::string(1, static_cast<char>(byte)));
  }
  for (const char* word : {"name", "\":", "\":\"", "{\"", "first", "_", "ğ", "ğı", "na"}) {
    vocab->pieces.emplace_back(word);
  }
  vocab->pieces.emplace_back();
  vocab->is_end.resize(vocab->pieces.size(), false);
  vocab->is_end.back() = true;
  vocab->end_tokens = {vocab->size() - 1};
  vocab->trie = std::make_unique<grammar::TokenTrie>(vocab->pieces);
  return vocab;
}

Token LongestPrefix(const Vocab& vocab, std::string_view text) {
  Token best = static_cast<unsigned char>(text.front());
  for (Token token = 256; token + 1 < vocab.size(); ++token) {
    const std::string& piece = vocab.pieces[static_cast<std::size_t>(token)];
    const bool is_longer = piece.size() > vocab.pieces[static_cast<std::size_t>(best)].size();
    if (is_longer && text.substr(0, piece.size()) == piece) best = token;
  }
  return best;
}

Tokenize LongestMatch(std::shared_ptr<const Vocab> vocab) {
  return [vocab](std::string_view text) {
    std::vector<Token> tokens;
    while (!text.empty()) {
      tokens.push_back(LongestPrefix(*vocab, text));
      text.remove_prefix(vocab->pieces[static_cast<std::size_t>(tokens.back())].size());
    }
    return tokens;
  };
}

std::vector<std::string> Pieces(const Vocab& vocab, const std::vector<Token>& tokens) {
  std::vector<std::string> pieces;
  for (const Token token : tokens) pieces.push_back(vocab.pieces[static_cast<std::size_t>(token)]);
  return pieces;
}

using Words = std::vector<std::string>;

Words Forced(const std::string& before, const std::string& text) {
  const auto vocab = MakeVocab();
  return Pieces(*vocab, ForcedTokens(vocab.get(), LongestMatch(vocab), before, text));
}

// A request whose row prefers `wanted` above all.
struct Run {
  std::shared_ptr<const Vocab> vocab = MakeVocab();
  std::unique_ptr<VocabSampler> sampler;

  explicit Run(const std::string& gbnf, Request request = {}) {
    PreparedPrompt prompt;
    prompt.grammar = *grammar::CompileGbnf(gbnf, grammar::Limits::ForClient());
    auto picker = std::make_unique<RowPicker>(request.sampling, vocab.get(),
                                              BannedTokens(request, vocab->end_tokens), 7);
    sampler = std::make_unique<VocabSampler>(vocab, request, prompt, std::move(picker),
                                             LongestMatch(vocab));
  }
  std::string Sample(Token wanted) {
    std::vector<float> row(vocab->pieces.size(), 0.0f);
    row[static_cast<std::size_t>(wanted)] = 50;
    return std::string(sampler->Sample(row.data())->piece);
  }
  Words TakeForced(std::size_t max_tokens = 100) {
    Words pieces;
    for (const SampledToken& token : sampler->Forced(max_tokens)) pieces.emplace_back(token.piece);
    return pieces;
  }
};

const char* const kObject = R"(root ::= "{\"first_name\":" ("1" | "2") "}")";

}  // namespace

TEST(ForcedTokens, AreTheTokenizersWithoutTheLast) {
  EXPECT(Forced("{\"", "first_name\":") == (Words{"first", "_", "name"}));
  EXPECT(Forced("", "first_name") == (Words{"first", "_"}));
  EXPECT(Forced("", "name").empty());
  EXPECT(Forced("", "x").empty());
}

TEST(ForcedTokens, WhatWasSplitBeforeIsTakenByItself) {
  // "na" was sampled although the tokenizer writes "name".
  EXPECT(Forced("na", "me\":\"x") == (Words{"m", "e", "\":\""}));
}

TEST(ForcedTokens, EndAtACharacter) {
  EXPECT(Forced("", "name\xC4\x9F\xC4") == (Words{"name"}));  // an open character is no text
  EXPECT(Forced("", "\x9Fname").empty());
  EXPECT(Forced("", "nameğıx") == (Words{"name", "ğı"}));
  // A tokenizer of bytes: the cut-off last one would leave half of a character.
  const auto vocab = MakeVocab();
  const Tokenize bytes = [](std::string_view text) {
    std::vector<Token> tokens;
    for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
    return tokens;
  };
  EXPECT(Pieces(*vocab, ForcedTokens(vocab.get(), bytes, "", "abğ")) == (Words{"a", "b"}));
}

TEST(ForcedTokens, ATokenizerThatChangesTheTextForcesNothing) {
  const auto vocab = MakeVocab();
  const Tokenize lower = [](std::string_view) { return std::vector<Token>{'a', 'b', 'c'}; };
  EXPECT(ForcedTokens(vocab.get(), lower, "", "ABC").empty());
  const Tokenize fails = [](std::string_view) { return std::vector<Token>{}; };
  EXPECT(ForcedTokens(vocab.get(), fails, "", "ABC").empty());
  const Token end = vocab->end_tokens.front();
  const Tokenize ends = [end](std::string_view) { return std::vector<Token>{'A', 'B', end, 'C'}; };
  EXPECT(ForcedTokens(vocab.get(), ends, "", "ABC").empty());
}

TEST(ForcedTokens, ASpaceThatSomeVocabulariesPutInFrontIsNotForced) {
  const auto vocab = MakeVocab();
  const Tokenize match = LongestMatch(vocab);
  const Tokenize spaced = [match](std::string_view text) { return match(" " + std::string(text)); };
  EXPECT(Pieces(*vocab, ForcedTokens(vocab.get(), spaced, "{\"", "first_name\":")) ==
         (Words{"first", "_", "name"}));
}

TEST(ForcedTokens, TheSamplerFollowsTheGrammar) {
  Run run(kObject);
  EXPECT_EQ(run.Sample('{'), "{");
  EXPECT(run.TakeForced() == (Words{"\"", "first", "_", "name"}));
  EXPECT_EQ(run.Sample('"'), "\"");
  EXPECT(run.TakeForced().empty());  // one byte is left
  EXPECT_EQ(run.Sample(':'), ":");
  EXPECT_EQ(run.Sample('2'), "2");
  EXPECT_EQ(run.Sample('}'), "}");
  EXPECT(run.TakeForced().empty());
  EXPECT_EQ(run.Sample('x'), "");  // the end
}

TEST(ForcedTokens, NoMoreThanAskedForAndThenTheRest) {
  Run run(kObject);
  EXPECT_EQ(run.Sample('{'), "{");
  EXPECT(run.TakeForced(2) == (Words{"\"", "first"}));
  EXPECT(run.TakeForced(0).empty());
  EXPECT(run.TakeForced() == (Words{"_", "name"}));
}

TEST(ForcedTokens, LogprobsNeedEveryRow) {
  Request request;
  request.sampling.top_logprobs = 0;
  Run run(kObject, request);
  EXPECT_EQ(run.Sample('{'), "{");
  EXPECT(run.TakeForced().empty());
}

TEST(ForcedTokens, ASeedDrawsTheSameBehindThem) {
  // The same tokens one by one: the row leaves no doubt about them.
  const char* gbnf = R"(root ::= "{\"first_name\":" [0-9]*)";
  Request request;
  request.sampling.repeat_penalty = 1;
  Run jumping(gbnf, request);
  Run slow(gbnf, request);
  jumping.Sample('{');
  Words words = {"{"};
  for (const std::string& word : jumping.TakeForced()) words.push_back(word);
  for (const std::string& word : words) {
    EXPECT_EQ(slow.Sample(LongestPrefix(*slow.vocab, word)), word);
  }
  const std::vector<float> flat(slow.vocab->pieces.size(), 0.0f);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(jumping.sampler->Sample(flat.data())->token,
              slow.sampler->Sample(flat.data())->token);
  }
}
