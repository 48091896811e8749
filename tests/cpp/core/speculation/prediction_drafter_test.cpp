// SPDX-License-Identifier: AGPL-3.0-only
#include "core/speculation/prediction_drafter.h"

#include "check.h"
#include "core/speculation/ngram_drafter.h"

using namespace sentiric;

using Tokens = std::vector<Token>;

namespace {

// The drafts of one text that grows, behind a prompt.
class Answer {
 public:
  explicit Answer(const Tokens& expected) : prediction_(&expected) {}

  Tokens After(const Tokens& more, std::int32_t limit = 3) {
    tokens_.insert(tokens_.end(), more.begin(), more.end());
    return prediction_.Draft(tokens_, 4, limit);
  }

 private:
  Prediction prediction_;
  Tokens tokens_ = {90, 91, 92, 93};
};

}  // namespace

TEST(Prediction, IsDraftedFromItsBeginning) {
  const Tokens expected = {1, 2, 3, 4, 5, 6};
  Answer answer(expected);
  EXPECT(answer.After({1}) == (Tokens{2, 3, 4}));
  EXPECT(answer.After({2, 3, 4}) == (Tokens{5, 6}));
  EXPECT(answer.After({5}, 1) == (Tokens{6}));
  EXPECT(answer.After({6}).empty());
  EXPECT(answer.After({7}).empty());
}

TEST(Prediction, IsFoundAgainBehindAChange) {
  const Tokens expected = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  Answer answer(expected);
  EXPECT(answer.After({1, 2}) == (Tokens{3, 4, 5}));  // not every token has a call
  EXPECT(answer.After({3}) == (Tokens{4, 5, 6}));
  EXPECT(answer.After({40}).empty());
  EXPECT(answer.After({5, 6}).empty());
  EXPECT(answer.After({7}) == (Tokens{8, 9}));
}

TEST(Prediction, IsFoundBehindTheChangeFirst) {
  const Tokens expected = {1, 2, 3, 10, 5, 6, 1, 2, 3, 20, 7, 8};
  Answer answer(expected);
  EXPECT(answer.After({1}, 1) == (Tokens{2}));
  EXPECT(answer.After({2, 3, 10, 5, 99}).empty());
  EXPECT(answer.After({1, 2, 3}, 1) == (Tokens{20}));
  EXPECT(answer.After({99, 1, 2, 3}, 1) == (Tokens{10}));  // from the beginning, too
}

TEST(Prediction, AnAnswerThatBeginsOtherwiseIsFound) {
  const Tokens expected = {1, 2, 3, 4, 5};
  Answer answer(expected);
  EXPECT(answer.After({50}).empty());
  EXPECT(answer.After({1, 2, 3}) == (Tokens{4, 5}));
}

TEST(Prediction, OddTextsAreFine) {
  const Tokens none, one = {1};
  EXPECT(Prediction(&none).Draft({1, 2, 3, 4}, 0, 4).empty());
  EXPECT(Prediction(&one).Draft({}, 0, 4) == one);
  EXPECT(Prediction(&one).Draft({1}, 0, 0).empty());
  EXPECT(Prediction(&one).Draft({2}, 0, 4).empty());
  EXPECT(Prediction(&one).Draft({2, 1}, 1, 4).empty());
  Prediction shortened(&one);
  EXPECT(shortened.Draft({1, 2, 3, 4, 5}, 4, 4).empty());
  EXPECT(shortened.Draft({1, 2}, 4, 4).empty());  // tokens were shifted out
}

TEST(PredictionDrafter, WhatItDoesNotKnowIsForTheOther) {
  PredictionDrafter drafter(std::make_unique<PromptLookup>());
  const Tokens copied = {1, 2, 3, 4, 5, 1, 2, 3}, begun = {7, 7, 60}, other = {7, 7, 66};
  const Tokens expected = {60, 61, 62, 63}, none;
  const std::string scope;
  const auto found = drafter.Draft({{0, &copied, &scope, 2, nullptr},
                                    {1, &begun, &scope, 2, &expected, 2},
                                    {2, &copied, &scope, 2, &none},
                                    {3, &other, &scope, 2, &expected, 2}},
                                   5);
  EXPECT(static_cast<bool>(found));
  EXPECT(found->tokens == (std::vector<Tokens>{{4, 5}, {61, 62}, {4}, {}}));
  EXPECT(found->is_predicted == (std::vector<bool>{false, true, false, false}));
}

TEST(PredictionDrafter, AnotherRequestInTheSameSequenceStartsAnew) {
  PredictionDrafter drafter(std::make_unique<PromptLookup>());
  const Tokens first = {1, 2, 3}, second = {1, 9, 9}, begun = {1};
  const std::string scope;
  EXPECT(drafter.Draft({{0, &begun, &scope, 1, &first}}, 9)->tokens[0] == (Tokens{2}));
  EXPECT(drafter.Draft({{0, &begun, &scope, 1, &second}}, 9)->tokens[0] == (Tokens{9}));
  drafter.Forget(0);
  EXPECT(drafter.Draft({{0, &begun, &scope, 1, &second}}, 9)->tokens[0] == (Tokens{9}));
}
