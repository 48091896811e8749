// SPDX-License-Identifier: AGPL-3.0-only
// What a client may ask for.
#include <cmath>

#include "check.h"
#include "sentiric/types.h"

using namespace sentiric;

TEST(Params, OutOfRangeNamesFieldValueAndRange) {
  SamplingParams params;
  EXPECT(!Validate(params, 100));
  params.temperature = 2.5f;
  const Status status = Validate(params, 100);
  ASSERT(status.has_value());
  EXPECT_EQ(status->where, "temperature");
  EXPECT_EQ(status->what, "out of range; got 2.5, allowed 0..2");
  params.temperature = NAN;
  EXPECT(Validate(params, 100).has_value());
}

TEST(Params, EveryPromptHasOneSource) {
  Request request;
  EXPECT_EQ(Validate(request, 100)->where, "prompt");
  request.prompt.text = "a";
  EXPECT(!Validate(request, 100));
  request.prompt.tokens = {1};
  EXPECT_EQ(Validate(request, 100)->where, "prompt");
}

TEST(Params, OnlyMessagesHaveToolsAndVariables) {
  Request request;
  request.prompt.text = "a";
  request.prompt.continues = true;
  EXPECT_EQ(Validate(request, 100)->where, "continues");
  request.prompt.template_arguments = "{}";
  EXPECT_EQ(Validate(request, 100)->where, "template_arguments");
  request.prompt.tools = {{"look"}};
  EXPECT_EQ(Validate(request, 100)->where, "tools");
  request.prompt.text.clear();
  request.prompt.messages = {{"user", "a"}};
  EXPECT(!Validate(request, 100));
}

TEST(Params, BiasesStayInsideTheVocabulary) {
  Request request;
  request.prompt.text = "a";
  request.sampling.logit_bias = {{99, 1.0f}};
  EXPECT(!Validate(request, 100));
  request.sampling.logit_bias = {{100, 1.0f}};
  EXPECT(Validate(request, 100).has_value());
  request.sampling.logit_bias.assign(301, {1, 0.0f});
  EXPECT(Validate(request, 100).has_value());
}

TEST(Params, SomethingIsLeftOfAnAnswerThatIsResumed) {
  Request request;
  request.prompt.text = "a";
  request.max_tokens = 3;
  request.delivered = {0, 99};
  EXPECT(!Validate(request, 100));
  request.delivered = {1, 2, 3};
  EXPECT_EQ(Validate(request, 100)->Message(), "[delivered] out of range; got 3, allowed 0..2");
  for (const Token token : {-1, 100}) {
    request.delivered = {1, token};
    EXPECT_EQ(Validate(request, 100)->Message(),
              "[delivered token] out of range; got " + std::to_string(token) + ", allowed 0..99");
  }
  request.max_tokens = 0;
  EXPECT(Validate(request, 100).has_value());
  request.delivered = {};
  EXPECT(!Validate(request, 100));
}

TEST(Params, ListsOfTokensStayInsideTheVocabulary) {
  Request request;
  request.prompt.text = "a";
  request.stop_tokens = {0, 99};
  request.bad_words = {{99}, std::vector<Token>(64, 1)};
  request.sampling.allowed_tokens = {99};
  request.shown_tokens = {"<t>"};
  request.min_tokens = 1024;
  EXPECT(!Validate(request, 100));
  request.min_tokens = 1025;
  EXPECT_EQ(Validate(request, 100)->where, "min_tokens");
  request.min_tokens = 0;
  request.bad_words.push_back({});
  EXPECT_EQ(Validate(request, 100)->where, "bad_words tokens");
  request.bad_words = {{100}};
  EXPECT_EQ(Validate(request, 100)->where, "bad_words token");
  request.bad_words.assign(65, {1});
  EXPECT_EQ(Validate(request, 100)->where, "bad_words");
  request.bad_words.clear();
  request.stop_tokens = {-1};
  EXPECT_EQ(Validate(request, 100)->where, "stop_tokens token");
  request.stop_tokens.clear();
  request.sampling.allowed_tokens.assign(1025, 1);
  EXPECT_EQ(Validate(request, 100)->where, "allowed_tokens");
  request.sampling.allowed_tokens.clear();
  request.shown_tokens = {""};
  EXPECT_EQ(Validate(request, 100)->where, "shown_tokens bytes");
}

TEST(Params, MarksOfCallsAreFewAndShort) {
  Request request;
  request.prompt.text = "a";
  request.call_marks.assign(8, std::string(256, 'a'));
  request.call_opening = std::string(256, 'a');
  EXPECT(!Validate(request, 100));
  request.call_opening += "a";
  EXPECT_EQ(Validate(request, 100)->where, "call_opening bytes");
  request.call_opening.clear();
  request.call_marks[0].clear();
  EXPECT_EQ(Validate(request, 100)->where, "call_marks bytes");
  request.call_marks.assign(9, "a");
  EXPECT_EQ(Validate(request, 100)->where, "call_marks");
}

TEST(Params, WhatClosesAThoughtEndsIt) {
  Request request;
  request.prompt.text = "a";
  request.thinking = ThinkingLimit{"<t>", "</t>", "\n</t>\n", 0, false};
  EXPECT(!Validate(request, 100));
  request.thinking->closing = "</t><t>";  // would never end
  EXPECT_EQ(Validate(request, 100)->where, "thinking.closing");
  request.thinking->begin = "";
  EXPECT(!Validate(request, 100));
  request.thinking->closing = "t";
  EXPECT_EQ(Validate(request, 100)->where, "thinking.closing");
  request.thinking->end = std::string(257, 't');
  EXPECT_EQ(Validate(request, 100)->where, "thinking.end bytes");
}
