// SPDX-License-Identifier: AGPL-3.0-only
// Remembers the texts that a run of a subroutine has written, so that none is written twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sentiric::grammar {

using MemoryId = std::uint32_t;
inline constexpr MemoryId kNoMemory = 0;         // nothing is remembered or recorded
inline constexpr MemoryId kErased = UINT32_MAX;  // forgets everything: no text is a repetition

// A memory outside of any store.
struct PortableMemory {
  std::vector<std::string> texts;
  std::optional<std::string> recording;
};

// Memories are values: a set of texts, in any order, and the text that is being recorded. Equal
// ones have equal ids. Sets are hash-consed tries, so a set with one more text shares most of the
// memory of the smaller one. Not thread-safe.
class KeyMemory {
 public:
  static constexpr std::uint32_t kMaxTexts = 10'000;
  static constexpr std::uint32_t kMaxTextBytes = 256 * 1024;  // of all texts of a set

  KeyMemory();

  MemoryId Begin(MemoryId memory);                    // of a text; nothing is being recorded
  MemoryId Take(MemoryId memory, std::uint8_t byte);  // no change unless something is recorded
  // Ends the text and adds it; nullopt when it is in the set already.
  std::optional<MemoryId> End(MemoryId memory);

  bool IsRecording(MemoryId memory) const { return memories_[memory].text != kNoText; }
  bool HasTexts(MemoryId memory) const { return memories_[memory].texts != kEmptySet; }
  std::size_t RecordedBytes(MemoryId memory) const;
  // How many texts of the set begin with what is recorded; all when nothing is.
  std::uint32_t NumContinuations(MemoryId memory) const;
  // The same, whether there is one, once `byte` is recorded as well.
  bool MayRepeat(MemoryId memory, std::uint8_t byte) const;
  bool OverLimit(MemoryId memory) const;

  PortableMemory Export(MemoryId memory) const;
  MemoryId Import(const PortableMemory& memory);

  std::size_t ByteSize() const;

 private:
  using TextId = std::uint32_t;  // a node of the trie of recorded texts, plus 1
  using SetId = std::uint32_t;   // a node of a trie of remembered texts: their rests
  static constexpr TextId kNoText = 0;
  static constexpr TextId kEmptyText = 1;
  static constexpr SetId kEmptySet = 0;

  struct Memory {
    SetId texts = kEmptySet;
    SetId rests = kEmptySet;  // of the texts that begin with `text`
    TextId text = kNoText;
  };
  struct TextNode {
    TextId before = kEmptyText;
    std::uint32_t size = 0;
    std::uint8_t last = 0;
  };
  struct Child {
    std::uint8_t byte = 0;
    SetId set = kEmptySet;
  };
  struct SetNode {
    std::vector<Child> children;  // by byte; none is empty
    bool has_end = false;         // the empty rest is in it
    std::uint32_t num_texts = 0;
    std::uint32_t num_bytes = 0;
  };
  // Finds values by their hash; whoever asks compares.
  using Index = std::unordered_multimap<std::uint64_t, std::uint32_t>;

  MemoryId Intern(const Memory& memory);
  SetId Intern(SetNode node);
  SetId ChildOf(SetId set, std::uint8_t byte) const;
  SetId With(SetId set, std::string_view text);
  std::string TextOf(TextId text) const;

  std::vector<Memory> memories_;
  std::vector<TextNode> texts_;  // by TextId - 1
  std::vector<SetNode> sets_;
  Index memory_index_;
  Index set_index_;
  std::unordered_map<std::uint64_t, TextId> text_index_;  // by the text before and the byte
  std::size_t num_children_ = 0;
};

}  // namespace sentiric::grammar
