// SPDX-License-Identifier: AGPL-3.0-only
// Which prefixes two conversations are known to share, so that they may be written.
#include "core/cache/disk_policy.h"

#include "check.h"

using namespace sentiric;

namespace {

PrefixRecord Record(std::int32_t size, std::int32_t opening, std::int32_t common = 0) {
  PrefixRecord record;
  record.scope = "scope";
  for (Token token = 0; token < size; ++token) record.tokens.push_back(token);
  record.shared = size;
  record.owner = 7;
  record.opening = opening;
  record.common = common;
  return record;
}

// The common beginning of the record and a request of `size` tokens that shares the first `match`.
std::int32_t Common(std::int32_t size, std::int32_t opening, const PrefixRecord& other,
                    std::int32_t match) {
  const std::string scope;
  const std::vector<Token> tokens(static_cast<std::size_t>(size), 1);
  return CommonBeginning({scope, tokens, size, 1, opening, 0}, other, match);
}

}  // namespace

TEST(DiskPolicy, OpeningsThatPartHaveTheirBeginningInCommon) {
  EXPECT_EQ(Common(50, 40, Record(60, 45), 30), 30);
}

TEST(DiskPolicy, OpeningsThatAreEqualMayBeOneConversation) {
  EXPECT_EQ(Common(50, 40, Record(60, 45), 40), 0);  // diverges behind the first opening
  EXPECT_EQ(Common(50, 45, Record(60, 40), 40), 0);
  EXPECT_EQ(Common(50, 50, Record(30, 45), 30), 0);  // the other one ends there
  EXPECT_EQ(Common(30, 45, Record(50, 45), 30), 0);  // this one does
}

TEST(DiskPolicy, WithoutAnOpeningNothingIsProven) {
  EXPECT_EQ(Common(50, 0, Record(60, 45), 30), 0);
  EXPECT_EQ(Common(50, 40, Record(60, 0), 30), 0);
}

TEST(DiskPolicy, WhatAThirdOneProvedHoldsForThisOneToo) {
  EXPECT_EQ(Common(50, 20, Record(60, 20, /*common=*/15), 40), 15);
  EXPECT_EQ(Common(50, 20, Record(60, 20, /*common=*/15), 12), 12);
}

TEST(DiskPolicy, OnlyTheCommonPartIsWritten) {
  const auto part = WritablePart(Record(60, 40, /*common=*/30), 60, 16);
  ASSERT(part.has_value());
  EXPECT_EQ(part->tokens.size(), 30u);
  EXPECT_EQ(part->scope, "scope");
  EXPECT_EQ(part->shared, 30);
  EXPECT_EQ(part->common, 30);
  EXPECT_EQ(part->owner, 0u);   // owned by no request
  EXPECT_EQ(part->opening, 0);  // no user spoke in it
}

TEST(DiskPolicy, WhatIsNotComputedOrNotSharedStaysAway) {
  EXPECT_EQ(WritablePart(Record(60, 40, 30), 20, 16)->tokens.size(), 20u);
  PrefixRecord record = Record(60, 40, 30);
  record.shared = 18;
  EXPECT_EQ(WritablePart(record, 60, 16)->tokens.size(), 18u);
  EXPECT(!WritablePart(record, 60, 19));
  EXPECT(!WritablePart(Record(60, 40, 0), 60, 1));
}
