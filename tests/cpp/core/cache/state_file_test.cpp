// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/state_file.h"

#include <set>

#include "check.h"
#include "core/cache/xxh64.h"

using namespace sentiric;

namespace {

StateHead Example(const Bytes& state) {
  return {"model 1",
          "tenant\x1f"
          "adapter=1/",
          {1, 70000, 3},
          state.size(),
          Xxh64(state.data(), state.size())};
}

Bytes Join(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// As the store reads a file: start, head, state.
bool IsLoaded(const Bytes& file, const StateHead& want) {
  const Bytes start(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(
                                                     std::min(file.size(), kStateFileStart)));
  const auto size = static_cast<std::ptrdiff_t>(StateHeadSize(start, file.size()));
  if (size == 0) return false;
  const auto head = DecodeStateHead({file.begin(), file.begin() + size}, file.size());
  return head && head->fingerprint == want.fingerprint && head->scope == want.scope &&
         head->tokens == want.tokens && IsStateOf(*head, {file.begin() + size, file.end()});
}

const Bytes kState = {10, 20, 30, 40, 50, 60, 70};

}  // namespace

TEST(Xxh64, KnownAnswers) {
  EXPECT_EQ(Xxh64("", 0), 0xEF46DB3751D8E999u);
  EXPECT_EQ(Xxh64("a", 1), 0xD24EC4F1A98C6E5Bu);
  EXPECT_EQ(Xxh64("abc", 3), 0x44BC2CF5AD770999u);
  const std::string fox = "The quick brown fox jumps over the lazy dog";
  EXPECT_EQ(Xxh64(fox.data(), fox.size()), 0x0B242D361FDA71BCu);
}

TEST(StateFile, WhatIsWrittenIsRead) {
  const StateHead head = Example(kState);
  const Bytes bytes = EncodeStateHead(head);
  const auto decoded = DecodeStateHead(bytes, bytes.size() + kState.size());
  ASSERT(decoded.has_value());
  EXPECT_EQ(decoded->fingerprint, head.fingerprint);
  EXPECT_EQ(decoded->scope, head.scope);
  EXPECT(decoded->tokens == head.tokens);
  EXPECT(IsStateOf(*decoded, kState));
  EXPECT(IsLoaded(Join(bytes, kState), head));
}

TEST(StateFile, NoBitMayBeWrong) {
  const StateHead head = Example(kState);
  const Bytes file = Join(EncodeStateHead(head), kState);
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes broken = file;
      broken[at] = static_cast<std::uint8_t>(broken[at] ^ 1 << bit);
      EXPECT(!IsLoaded(broken, head));
    }
  }
}

TEST(StateFile, ACutOrLongerFileIsRefused) {
  const StateHead head = Example(kState);
  const Bytes file = Join(EncodeStateHead(head), kState);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT(!IsLoaded({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}, head));
  }
  EXPECT(!IsLoaded(Join(file, {0}), head));
}

TEST(StateFile, TheNameTellsFingerprintScopeAndTokens) {
  std::set<std::string> names;
  for (const StateHead& head : {StateHead{"a", "b", {1, 2}}, StateHead{"ab", "", {1, 2}},
                                StateHead{"a", "b", {1}}, StateHead{"a", "c", {1, 2}}}) {
    names.insert(StateFileName(head));
  }
  EXPECT_EQ(names.size(), 4u);
  EXPECT_EQ(StateFileName({"a", "b", {1}, 5, 6}), StateFileName({"a", "b", {1}, 7, 8}));
}
