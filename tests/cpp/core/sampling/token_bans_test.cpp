// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/token_bans.h"

#include <random>
#include <vector>

#include "check.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/sampling/row_picker.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

constexpr Token kEnd = 27, kControl = 28;

// Letters, an end and a control token.
std::shared_ptr<const Vocab> Letters() {
  static const std::shared_ptr<const Vocab> vocab = [] {
    auto made = std::make_shared<Vocab>();
    for (char letter = 'a'; letter <= 'z'; ++letter) made->pieces.emplace_back(1, letter);
    made->pieces.resize(29);
    made->pieces[26] = "ab";
    made->is_end.resize(29, false);
    made->is_end[kEnd] = true;
    made->end_tokens = {kEnd};
    made->control_tokens = {{"<c>", kControl}};
    made->trie = std::make_unique<grammar::TokenTrie>(made->pieces);
    return std::shared_ptr<const Vocab>(std::move(made));
  }();
  return vocab;
}

std::vector<Token> BansBehind(const Request& request, const std::vector<Token>& tokens) {
  TokenBans bans(request, VocabView(Letters().get(), request));
  for (const Token token : tokens) bans.Accept(token);
  return bans.Now();
}

using Tokens = std::vector<Token>;

Result<Token> Pick(const Request& request, const char* gbnf = nullptr, const Tokens& bans = {}) {
  const VocabView view(Letters().get(), request);
  RowPicker picker(request.sampling, view, BannedTokens(request, Letters()->end_tokens), 3);
  picker.Ban(bans);
  std::vector<float> row;
  for (int i = 0; i < 29; ++i) row.push_back(static_cast<float>(29 - i));
  if (gbnf == nullptr) return picker.Pick(row.data(), nullptr);
  GrammarFilter filter(*grammar::CompileGbnf(gbnf, grammar::Limits()), view);
  return picker.Pick(row.data(), &filter);
}

}  // namespace

TEST(TokenBans, EndsComeLater) {
  Request request;
  request.min_tokens = 2;
  request.stop_tokens = {3, kControl};
  EXPECT(BansBehind(request, {}) == (Tokens{3, kEnd, kControl}));
  EXPECT(BansBehind(request, {5}) == (Tokens{3, kEnd, kControl}));
  EXPECT(BansBehind(request, {5, 5}).empty());
}

TEST(TokenBans, BadWords) {
  Request request;
  request.bad_words = {{4}, {1, 2}, {1, 1, 3}, {2, 9}};
  EXPECT(BansBehind(request, {}) == Tokens{4});
  EXPECT(BansBehind(request, {1}) == (Tokens{2, 4}));
  EXPECT(BansBehind(request, {1, 1}) == (Tokens{2, 3, 4}));
  EXPECT(BansBehind(request, {1, 1, 2}) == (Tokens{4, 9}));
}

TEST(TokenBans, LongBadWordsInLongAnswers) {
  std::mt19937 random(2);
  Request request;
  request.bad_words = {Tokens(64, 1), Tokens(3, 0)};
  TokenBans bans(request, VocabView(Letters().get(), request));
  std::size_t ones = 0, zeros = 0;
  for (int i = 0; i < 3000; ++i) {
    Tokens expected;
    if (zeros >= 2) expected.push_back(0);
    if (ones >= 63) expected.push_back(1);
    ASSERT(bans.Now() == expected);
    const Token token = random() % 80 == 0 ? 0 : 1;
    ones = token == 1 ? ones + 1 : 0;
    zeros = token == 0 ? zeros + 1 : 0;
    bans.Accept(token);
  }
}

TEST(AllowedTokens, AreTheOnlyOnes) {
  Request request;
  request.sampling.temperature = 0;
  request.sampling.allowed_tokens = {9, 7, 9};
  EXPECT_EQ(*Pick(request), 7);
  EXPECT_EQ(*Pick(request, nullptr, {7}), 9);
  EXPECT_EQ(*Pick(request, nullptr, {7, 9}), kEnd);
  EXPECT_EQ(*Pick(request, "root ::= [a-z]"), 7);
  EXPECT_EQ(*Pick(request, "root ::= [i-z]"), 9);
  EXPECT_EQ(*Pick(request, "root ::= [x-z]?"), kEnd);
  EXPECT_EQ(Pick(request, "root ::= [x-z]").error().where, "allowed_tokens");
  EXPECT_EQ(Pick(request, nullptr, {7, 9, kEnd}).error().where, "allowed_tokens");
  request.sampling.temperature = 1.5f;
  request.sampling.top_k = 0;
  request.sampling.top_p = 1;
  request.sampling.min_p = 0;
  const Token drawn = *Pick(request);
  EXPECT(drawn == 7 || drawn == 9 || drawn == kEnd);
}

TEST(StopTokens, WithoutTextTheyAreEnds) {
  Request request;
  request.sampling.temperature = 0;
  request.stop_tokens = {kControl, 2};
  EXPECT_EQ(*Pick(request, R"(root ::= "")"), kEnd);
  EXPECT_EQ(*Pick(request, R"(root ::= "b"?)", {1, kEnd}), kControl);
  EXPECT_EQ(Pick(request, R"(root ::= "b")", {1, kEnd}).error().where, "bad_words");
}

// Where a grammar can only end, it does.
TEST(TokenBans, AGrammarThatCanOnlyEndWins) {
  Request request;
  request.min_tokens = 5;
  const Tokens bans = BansBehind(request, {});
  EXPECT_EQ(*Pick(request, R"(root ::= "")", bans), kEnd);
  request.sampling.allowed_tokens = {3};
  EXPECT_EQ(*Pick(request, R"(root ::= "")", bans), kEnd);
}
