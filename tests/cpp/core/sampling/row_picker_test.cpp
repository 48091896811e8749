// SPDX-License-Identifier: AGPL-3.0-only
// A grammar on top of the row: the tokens are those that the same sampler picks when everything
// that the grammar refuses was taken out of the row first. (The sampler itself is compared with
// llama.cpp's chain in tests/cpp/backend.)
#include "core/sampling/row_picker.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "check.h"
#include "core/grammar/automaton/grammar.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/sampling/vocab_sampler.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

constexpr Token kFirstEnd = 700;

// Single bytes, then words of letters and signs of JSON; two tokens end.
std::shared_ptr<const Vocab> MakeVocab(std::size_t size) {
  auto vocab = std::make_shared<Vocab>();
  std::mt19937 random(7);
  const std::string letters = "abcdefgh0123456789 \",:{}[]";
  for (std::size_t i = 0; i < size; ++i) {
    std::string piece;
    if (i < 256) {
      piece = std::string(1, static_cast<char>(i));
    } else {
      for (std::size_t n = 2 + random() % 4; n > 0; --n)
        piece += letters[random() % letters.size()];
    }
    vocab->pieces.push_back(piece);
  }
  vocab->is_end.resize(size, false);
  std::vector<std::string> text = vocab->pieces;
  for (const Token end : {kFirstEnd, kFirstEnd + 1}) {
    vocab->end_tokens.push_back(end);
    vocab->is_end[static_cast<std::size_t>(end)] = true;
    vocab->pieces[static_cast<std::size_t>(end)].clear();
    text[static_cast<std::size_t>(end)].clear();
  }
  vocab->trie = std::make_unique<grammar::TokenTrie>(text);
  return vocab;
}

std::vector<float> RandomRow(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> row(size);
  for (float& value : row) value = normal(random);
  return row;
}

std::shared_ptr<const grammar::Grammar> Grammar(const std::string& gbnf) {
  return *grammar::CompileGbnf(gbnf, grammar::Limits::ForClient());
}

// Everything that the grammar refuses is banned. -1 when nothing is left.
Token PickMaskedFirst(const Vocab& vocab, Request request, const std::vector<float>& row,
                      grammar::Matcher* matcher, std::uint32_t seed,
                      const std::vector<Token>& past) {
  std::vector<Token> banned = BannedTokens(request, vocab.end_tokens);
  bool is_over = true;
  for (Token token = 0; token < vocab.size(); ++token) {
    const auto index = static_cast<std::size_t>(token);
    const bool is_allowed =
        vocab.is_end[index] ? matcher->CanEnd()
                            : matcher->Accepts(vocab.pieces[index]) && !vocab.pieces[index].empty();
    if (!is_allowed) banned.push_back(token);
    if (is_allowed && !vocab.is_end[index]) is_over = false;
  }
  if (is_over) return vocab.end_tokens.front();
  std::sort(banned.begin(), banned.end());
  banned.erase(std::unique(banned.begin(), banned.end()), banned.end());
  RowPicker picker(request.sampling, &vocab, banned, seed);
  for (const Token token : past) picker.Accept(token);
  const Result<Token> picked = picker.Pick(row.data(), nullptr);
  return picked ? *picked : -1;
}

Request RandomRequest(std::mt19937* random) {
  const auto pick = [random](std::vector<float> values) {
    return values[(*random)() % values.size()];
  };
  Request request;
  SamplingParams& p = request.sampling;
  p.temperature = pick({0.0f, 0.7f, 1.3f});
  p.top_k = static_cast<std::int32_t>(pick({0, 1, 5, 40, 300}));
  p.top_p = pick({1.0f, 0.95f, 0.5f});
  p.min_p = pick({0.0f, 0.05f, 0.3f});
  p.repeat_penalty = pick({1.0f, 1.2f});
  if (pick({0, 1}) > 0) p.logit_bias = {{static_cast<Token>('a'), -100.0f}, {300, 4.0f}};
  request.ignore_eos = pick({0, 0, 1}) > 0;
  return request;
}

const std::vector<std::string> kGrammars = {
    R"(root ::= "{" item ("," item)* "}"
item ::= "\"" [a-h0-9]{1,6} "\":" [0-9]{1,4})",
    R"(root ::= [^x]{3,60})",
    R"(root ::= "fed" | "feed" " the " ("cab" | "dad"))",
    R"(root ::= "a"*)",
    R"(root ::= [a-f ]{3,60})",
    R"(root ::= ([a-p ] | "1")*)",
};

}  // namespace

TEST(RowPicker, AGrammarIsAMaskThatGoesFirst) {
  std::mt19937 random(11);
  int num_tokens = 0;
  for (const std::size_t size : {1000, 5000, 20000}) {
    const std::shared_ptr<const Vocab> vocab = MakeVocab(size);
    for (std::uint32_t run = 0; run < 40; ++run) {
      const auto compiled = Grammar(kGrammars[run % kGrammars.size()]);
      const Request request = RandomRequest(&random);
      GrammarFilter filter(compiled, vocab.get());
      grammar::Matcher matcher(compiled);
      std::vector<Token> past = {300, 301};
      for (std::uint32_t step = 0; step < 12; ++step) {
        const std::vector<float> row = RandomRow(size, run * 100 + step);
        const std::uint32_t seed = random();
        RowPicker picker(request.sampling, vocab.get(), BannedTokens(request, vocab->end_tokens),
                         seed);
        for (const Token token : past) picker.Accept(token);
        const Result<Token> picked = picker.Pick(row.data(), &filter);
        const Token expected = PickMaskedFirst(*vocab, request, row, &matcher, seed, past);
        // At the end of the text, one end token is as good as another.
        const auto is_end = [&](Token t) {
          return t >= 0 && vocab->is_end[static_cast<std::size_t>(t)];
        };
        const bool both_end = picked && is_end(*picked) && is_end(expected);
        if (!both_end || !matcher.CanEnd()) EXPECT_EQ(picked ? *picked : -1, expected);
        ++num_tokens;
        if (!picked) break;
        if (vocab->is_end[static_cast<std::size_t>(*picked)]) break;
        const std::string& piece = vocab->pieces[static_cast<std::size_t>(*picked)];
        ASSERT(filter.Advance(piece) && matcher.Advance(piece));
        past.push_back(*picked);
      }
    }
  }
  EXPECT(num_tokens > 500);
}

TEST(RowPicker, AWarmMaskAnswersWithoutTheGrammar) {
  const auto vocab = MakeVocab(2000);
  GrammarFilter cold(Grammar(kGrammars[1]), vocab.get());
  EXPECT_EQ(vocab->trie->MaskBytes(), std::size_t{0});
  Request request;
  RowPicker picker(request.sampling, vocab.get(), {}, 1);
  ASSERT(picker.Pick(RandomRow(2000, 1).data(), &cold).ok());
  // Enough of the best tokens passed, so that no mask was made.
  EXPECT_EQ(vocab->trie->MaskBytes(), std::size_t{0});
  EXPECT(cold.Mask() != nullptr);
  EXPECT(vocab->trie->MaskBytes() > 0);
  EXPECT(cold.Allows('b'));
  EXPECT(!cold.Allows('x'));
}

TEST(RowPicker, OneDrawForEachToken) {
  const auto vocab = MakeVocab(2000);
  Request request;
  RowPicker free(request.sampling, vocab.get(), {}, 5);
  RowPicker bound(request.sampling, vocab.get(), {}, 5);
  GrammarFilter filter(Grammar(R"(root ::= "h" [^x]*)"), vocab.get());
  ASSERT(free.Pick(RandomRow(2000, 1).data(), nullptr).ok());
  const Result<Token> forced = bound.Pick(RandomRow(2000, 1).data(), &filter);
  ASSERT(forced.ok() && filter.Advance(vocab->pieces[static_cast<std::size_t>(*forced)]));
  const std::vector<float> row = RandomRow(2000, 2);
  EXPECT_EQ(*free.Pick(row.data(), nullptr), *bound.Pick(row.data(), nullptr));
}

TEST(RowPicker, NothingLeftIsAnError) {
  const auto vocab = MakeVocab(1000);
  std::vector<Token> all(1000);
  for (Token token = 0; token < 1000; ++token) all[static_cast<std::size_t>(token)] = token;
  for (const std::int32_t top_k : {0, 40}) {
    for (const float top_p : {0.9f, 1.0f}) {
      for (const float min_p : {0.0f, 0.1f}) {
        Request request;
        request.sampling.top_k = top_k;
        request.sampling.top_p = top_p;
        request.sampling.min_p = min_p;
        RowPicker picker(request.sampling, vocab.get(), all, 1);
        const Result<Token> picked = picker.Pick(RandomRow(1000, 1).data(), nullptr);
        ASSERT(!picked.ok());
        EXPECT_EQ(picked.error().code, ErrorCode::kInternal);
      }
    }
  }
}

TEST(RowPicker, ABiasThatForbidsAllThatAGrammarAllowsIsTheCallers) {
  const auto vocab = MakeVocab(1000);
  const auto picked_of = [&](const char* gbnf, std::vector<Token> banned) {
    GrammarFilter filter(*grammar::CompileGbnf(gbnf, grammar::Limits()), vocab.get());
    RowPicker picker({}, vocab.get(), std::move(banned), 1);
    return picker.Pick(RandomRow(1000, 1).data(), &filter);
  };
  const std::string& piece = vocab->pieces[7];
  const Result<Token> banned = picked_of(("root ::= \"" + piece + "\"").c_str(), {7});
  ASSERT(!banned.ok());
  EXPECT_EQ(banned.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(banned.error().where, "logit_bias");
  EXPECT_EQ(NothingAllowed(0).code, ErrorCode::kInvalidGrammar);  // by the vocabulary
}
