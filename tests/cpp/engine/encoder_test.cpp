// SPDX-License-Identifier: AGPL-3.0-only
// A model that computes embeddings only refuses to generate before it queues anything.
#include "check.h"
#include "fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

TEST(Encoder, ARequestIsRefusedBeforeItIsQueued) {
  FakeModel model;
  model.can_generate = false;
  const auto engine = MakeEngine(model);
  const auto id = engine->Submit(TokenRequest({3, 4}, 2));
  ASSERT(!id.ok());
  EXPECT_EQ(id.error().code, ErrorCode::kNotSupported);
  EXPECT_EQ(id.error().where, std::string("model"));
  const auto logits = engine->Logits({3, 4});
  ASSERT(!logits.ok());
  EXPECT_EQ(logits.error().code, ErrorCode::kNotSupported);
  EXPECT_EQ(engine->stats().requests_submitted, 0u);
}
