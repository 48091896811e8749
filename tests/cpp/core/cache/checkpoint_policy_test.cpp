// SPDX-License-Identifier: AGPL-3.0-only
// Where checkpoints of states that cannot be cut are kept.
#include "core/cache/checkpoint_policy.h"

#include "check.h"

using namespace sentiric;

namespace {

using Stops = std::vector<std::int32_t>;

Stops StopsOf(std::int32_t size, std::int32_t head, std::int32_t parting) {
  const std::string scope;
  const std::vector<Token> tokens(static_cast<std::size_t>(size), 3);
  const PrefixRequest request{scope, tokens, size, 1, 0, head};
  return CheckpointPolicy(16, 2).StopsOf(request, parting);
}

}  // namespace

TEST(CheckpointPolicy, StopsStandAtTheHeadThePartingAndTheTail) {
  EXPECT(StopsOf(100, 40, 60) == Stops({40, 60, 92}));
  EXPECT(StopsOf(100, 60, 40) == Stops({40, 60, 92}));  // ascending
  EXPECT(StopsOf(100, 0, 0) == Stops({92}));
}

TEST(CheckpointPolicy, NoStopLeavesTooLittle) {
  EXPECT(StopsOf(100, 15, 0) == Stops({92}));       // not worth a state
  EXPECT(StopsOf(100, 40, 99) == Stops({40, 92}));  // a last chunk of one token
  EXPECT(StopsOf(100, 40, 98) == Stops({40, 92, 98}));
  EXPECT(StopsOf(20, 0, 0).empty());
}

TEST(CheckpointPolicy, AChunkEndsAtTheNextStopThatIsNotTooNear) {
  const CheckpointPolicy policy(16, 2);
  const Stops stops = {40, 60, 92};
  EXPECT_EQ(policy.NextStop(stops, 0), 40);
  EXPECT_EQ(policy.NextStop(stops, 38), 40);
  EXPECT_EQ(policy.NextStop(stops, 39), 60);  // a chunk of one token rounds differently
  EXPECT_EQ(policy.NextStop(stops, 92), 0);
  EXPECT_EQ(policy.NextStop({}, 0), 0);
}

TEST(CheckpointPolicy, StatesAreKeptAtStopsAndEverFartherApart) {
  const CheckpointPolicy policy(16, 2);
  EXPECT(policy.IsDue(40, 0, 9000, {40}));
  EXPECT(!policy.IsDue(41, 0, 9000, {40}));
  EXPECT(policy.IsDue(256, 0, 9000, {}));
  EXPECT(!policy.IsDue(511, 256, 9000, {}));
  EXPECT(policy.IsDue(512, 256, 9000, {}));
  EXPECT(!policy.IsDue(1000, 512, 9000, {}));
  EXPECT(policy.IsDue(1024, 512, 9000, {}));
}

TEST(CheckpointPolicy, NothingIsKeptTwiceOrAtTheEnd) {
  const CheckpointPolicy policy(16, 2);
  EXPECT(!policy.IsDue(40, 40, 100, {40}));
  EXPECT(policy.IsDue(98, 0, 100, {98}));
  EXPECT(!policy.IsDue(99, 0, 100, {99}));
}
