// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/prefix_index.h"

#include <algorithm>
#include <map>
#include <random>

#include "check.h"

using sentiric::HolderId;
using sentiric::PrefixIndex;
using sentiric::PrefixMatch;
using sentiric::Token;

namespace {

using Tokens = std::vector<Token>;

std::int32_t Common(const Tokens& a, const Tokens& b) {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return static_cast<std::int32_t>(n);
}

// The index as a plain table.
struct Reference {
  struct Entry {
    std::string scope;
    Tokens tokens;
  };
  std::map<HolderId, Entry> entries;

  std::vector<PrefixMatch> Match(const std::string& scope, const Tokens& tokens) const {
    std::vector<PrefixMatch> found;
    for (const auto& [holder, entry] : entries) {
      const std::int32_t length = Common(entry.tokens, tokens);
      if (entry.scope == scope && length > 0) found.push_back({holder, length});
    }
    std::stable_sort(found.begin(), found.end(), [](const PrefixMatch& a, const PrefixMatch& b) {
      return a.length > b.length;
    });
    return found;
  }
};

}  // namespace

TEST(PrefixIndex, FindsTheLongestPrefix) {
  PrefixIndex index;
  index.Insert(1, "", {1, 2, 3, 4});
  index.Insert(2, "", {1, 2, 9});
  index.Insert(3, "", {7});
  EXPECT(index.Match("", {1, 2, 3, 5}) == (std::vector<PrefixMatch>{{1, 3}, {2, 2}}));
  EXPECT(index.Match("", {1, 2}) == (std::vector<PrefixMatch>{{1, 2}, {2, 2}}));
  EXPECT(index.Match("", {8}).empty());
  EXPECT(index.Match("", {}).empty());
}

TEST(PrefixIndex, ScopesNeverMeet) {
  PrefixIndex index;
  index.Insert(1, "tenant a", {1, 2, 3});
  EXPECT(index.Match("tenant b", {1, 2, 3}).empty());
  EXPECT(index.Match("", {1, 2, 3}).empty());
  EXPECT_EQ(index.Match("tenant a", {1, 2, 3}).size(), 1u);
}

TEST(PrefixIndex, AHolderThatIsInsertedAgainMoves) {
  PrefixIndex index;
  index.Insert(1, "", {1, 2, 3});
  index.Insert(1, "", {4, 5});
  EXPECT(index.Match("", {1, 2, 3}).empty());
  EXPECT(index.TokensOf(1) == (Tokens{4, 5}));
  index.Erase(1);
  index.Erase(1);
  EXPECT_EQ(index.num_holders(), 0u);
  EXPECT(index.CheckIntegrity());
}

TEST(PrefixIndex, EqualsATableAfterRandomOperations) {
  PrefixIndex index;
  Reference reference;
  std::mt19937 random(7);
  const std::string scopes[] = {"", "a", "b"};
  for (int step = 0; step < 100000; ++step) {
    const auto holder = static_cast<HolderId>(random() % 24);
    const std::string& scope = scopes[random() % 3];
    Tokens tokens(random() % 12);
    for (Token& token : tokens) token = static_cast<Token>(random() % 3);
    switch (random() % 4) {
      case 0:
        index.Erase(holder);
        reference.entries.erase(holder);
        break;
      case 1: ASSERT(index.Match(scope, tokens) == reference.Match(scope, tokens)); break;
      default:
        index.Insert(holder, scope, tokens);
        reference.entries[holder] = {scope, tokens};
        ASSERT(index.TokensOf(holder) == tokens);
    }
    ASSERT(index.CheckIntegrity());
    ASSERT(index.num_holders() == reference.entries.size());
  }
}
