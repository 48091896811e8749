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
