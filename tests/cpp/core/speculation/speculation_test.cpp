// SPDX-License-Identifier: AGPL-3.0-only
#include "core/speculation/speculation.h"

#include "check.h"
#include "core/speculation/ngram_drafter.h"

using namespace sentiric;

using Tokens = std::vector<Token>;

TEST(NgramDrafter, GoesOnAsTheLastTime) {
  NgramDrafter drafter;
  EXPECT(drafter.Draft({1, 2, 3, 4, 5, 6, 7, 1, 2, 3}, 3) == (Tokens{4, 5, 6}));
  EXPECT(drafter.Draft({1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4}, 9) ==
         (Tokens{5, 6, 7, 1, 2, 3, 4, 5, 6}));
  EXPECT(drafter.Draft({1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 9}, 3).empty());
}

TEST(NgramDrafter, TheNewestOccurrenceCounts) {
  NgramDrafter drafter;
  EXPECT(drafter.Draft({1, 2, 3, 7, 1, 2, 3, 8, 1, 2, 3}, 1) == (Tokens{8}));
}

TEST(NgramDrafter, ARepetitionIsContinued) {
  NgramDrafter drafter;
  EXPECT(drafter.Draft({5, 5, 5, 5}, 4) == (Tokens{5, 5, 5, 5}));
  EXPECT(drafter.Draft({1, 2, 1, 2, 1, 2}, 5) == (Tokens{1, 2, 1, 2, 1}));
}

TEST(NgramDrafter, ShortTextsAndShiftsAreFine) {
  NgramDrafter drafter;
  EXPECT(drafter.Draft({}, 4).empty());
  EXPECT(drafter.Draft({1, 1, 1}, 4).empty());
  EXPECT(drafter.Draft({1, 2, 3, 4, 1, 2, 3}, 0).empty());
  EXPECT(drafter.Draft({1, 2, 3, 9, 9, 9, 1, 2, 3}, 1) == (Tokens{9}));
  EXPECT(drafter.Draft({9, 9, 1, 2, 3}, 4).empty());  // the first ones were shifted out
}

TEST(Speculation, GrowsWhileItPays) {
  Speculation speculation;
  for (int i = 0; i < 6; ++i) {
    const std::int32_t length = speculation.Length();
    EXPECT(length > 0);
    speculation.OnVerified(length, length, 2.0);
  }
  EXPECT_EQ(speculation.Length(), Speculation::kMaxDraft);
}

TEST(Speculation, StepsAsideAndTriesAgainEverLater) {
  Speculation speculation;
  std::int32_t drafts = 0, tokens = 0;
  for (; tokens < 4000; ++tokens) {
    if (speculation.Length() > 0) {
      speculation.OnVerified(speculation.Length(), 0, 1.8);
      ++drafts;
    } else {
      speculation.OnPlainToken();
    }
  }
  EXPECT(drafts > 2);
  EXPECT(drafts < 40);
}
