// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/key_memory.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "check.h"

namespace sentiric::grammar {
namespace {

MemoryId Record(KeyMemory* keys, MemoryId memory, const std::string& text) {
  memory = keys->Begin(memory);
  for (const char c : text) memory = keys->Take(memory, static_cast<std::uint8_t>(c));
  return memory;
}

TEST(KeyMemory, RefusesOnlyRepetitions) {
  KeyMemory keys;
  MemoryId memory = kNoMemory;
  for (const char* text : {"ab", "a", "", "abc", "b"}) {
    const auto after = keys.End(Record(&keys, memory, text));
    ASSERT(after);
    EXPECT(!keys.End(Record(&keys, *after, text)));
    memory = *after;
  }
  EXPECT(!keys.IsRecording(memory) && keys.HasTexts(memory));
  EXPECT_EQ(keys.NumContinuations(memory), 5U);
  EXPECT(keys.End(Record(&keys, memory, "abcd")));
}

// Random sets against std::set.
TEST(KeyMemory, IsAnUnorderedSet) {
  KeyMemory keys;
  std::mt19937 random(1);
  std::map<std::set<std::string>, MemoryId> seen;
  for (int round = 0; round < 400; ++round) {
    std::set<std::string> texts;
    MemoryId memory = kNoMemory;
    for (auto n = random() % 8; n > 0; --n) {
      std::string text;
      for (auto size = random() % 4; size > 0; --size)
        text += static_cast<char>('a' + random() % 2);
      const auto after = keys.End(Record(&keys, memory, text));
      EXPECT_EQ(after.has_value(), texts.insert(text).second);
      if (after) memory = *after;
    }
    EXPECT_EQ(seen.emplace(texts, memory).first->second, memory);
    const MemoryId recording = Record(&keys, memory, "ab");
    const auto begins = [](const std::string& prefix) {
      return [prefix](const std::string& t) { return t.compare(0, prefix.size(), prefix) == 0; };
    };
    EXPECT_EQ(keys.NumContinuations(recording),
              static_cast<std::uint32_t>(std::count_if(texts.begin(), texts.end(), begins("ab"))));
    EXPECT_EQ(keys.MayRepeat(recording, 'a'),
              std::any_of(texts.begin(), texts.end(), begins("aba")));
    EXPECT_EQ(keys.Import(keys.Export(recording)), recording);
    EXPECT_EQ(keys.Import(keys.Export(memory)), memory);
    KeyMemory other;
    EXPECT(keys.Export(memory).texts == other.Export(other.Import(keys.Export(memory))).texts);
  }
  EXPECT(seen.size() > 100);
}

TEST(KeyMemory, IsBounded) {
  KeyMemory keys;
  MemoryId memory = kNoMemory;
  std::uint32_t n = 0;
  for (; !keys.OverLimit(memory) && n < 20'000; ++n)
    memory = *keys.End(Record(&keys, memory, std::to_string(n)));
  EXPECT_EQ(n, KeyMemory::kMaxTexts + 1);
  EXPECT(keys.OverLimit(*keys.End(Record(&keys, kNoMemory, std::string(300'000, 'x')))));
}

}  // namespace
}  // namespace sentiric::grammar
