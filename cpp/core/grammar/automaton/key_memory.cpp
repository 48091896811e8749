// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/key_memory.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMapEntryBytes = 40;

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29);
}

}  // namespace

KeyMemory::KeyMemory() : memories_(1), texts_(1), sets_(1) {}

MemoryId KeyMemory::Begin(MemoryId memory) {
  const SetId texts = memories_[memory].texts;
  return Intern(Memory{texts, texts, kEmptyText});
}

MemoryId KeyMemory::Take(MemoryId memory, std::uint8_t byte) {
  Memory next = memories_[memory];
  if (next.text == kNoText) return memory;
  const std::uint64_t key = std::uint64_t{next.text} << 8 | byte;
  const auto added = text_index_.emplace(key, static_cast<TextId>(texts_.size() + 1));
  if (added.second) texts_.push_back({next.text, texts_[next.text - 1].size + 1, byte});
  next.text = added.first->second;
  next.rests = ChildOf(next.rests, byte);
  return Intern(next);
}

std::optional<MemoryId> KeyMemory::End(MemoryId memory) {
  const Memory old = memories_[memory];
  if (old.text == kNoText) return memory;
  if (sets_[old.rests].has_end) return std::nullopt;
  const SetId texts = With(old.texts, TextOf(old.text));
  return Intern(Memory{texts, kEmptySet, kNoText});
}

std::size_t KeyMemory::RecordedBytes(MemoryId memory) const {
  return IsRecording(memory) ? texts_[memories_[memory].text - 1].size : 0;
}

std::uint32_t KeyMemory::NumContinuations(MemoryId memory) const {
  const Memory& m = memories_[memory];
  return sets_[m.text == kNoText ? m.texts : m.rests].num_texts;
}

bool KeyMemory::MayRepeat(MemoryId memory, std::uint8_t byte) const {
  const Memory& m = memories_[memory];
  return m.text == kNoText ? m.texts != kEmptySet : ChildOf(m.rests, byte) != kEmptySet;
}

bool KeyMemory::OverLimit(MemoryId memory) const {
  const SetNode& set = sets_[memories_[memory].texts];
  return set.num_texts > kMaxTexts || set.num_bytes > kMaxTextBytes;
}

KeyMemory::SetId KeyMemory::ChildOf(SetId set, std::uint8_t byte) const {
  for (const Child& child : sets_[set].children) {
    if (child.byte == byte) return child.set;
  }
  return kEmptySet;
}

// The set and one more text, which is not in it. From the end of the text to its beginning, because
// a node is known by its children.
KeyMemory::SetId KeyMemory::With(SetId set, std::string_view text) {
  std::vector<SetId> path = {set};
  for (const char c : text) path.push_back(ChildOf(path.back(), static_cast<std::uint8_t>(c)));
  SetNode node = sets_[path.back()];
  node.has_end = true;
  ++node.num_texts;
  SetId result = Intern(std::move(node));
  for (std::size_t i = text.size(); i-- > 0;) {
    node = sets_[path[i]];
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const auto at =
        std::lower_bound(node.children.begin(), node.children.end(), byte,
                         [](const Child& child, std::uint8_t b) { return child.byte < b; });
    if (at != node.children.end() && at->byte == byte) {
      at->set = result;
    } else {
      node.children.insert(at, {byte, result});
    }
    ++node.num_texts;
    node.num_bytes += static_cast<std::uint32_t>(text.size() - i);
    result = Intern(std::move(node));
  }
  return result;
}

KeyMemory::SetId KeyMemory::Intern(SetNode node) {
  std::uint64_t hash = node.has_end;
  for (const Child& child : node.children)
    hash = Mix(hash, std::uint64_t{child.set} << 8 | child.byte);
  const auto same = [](const Child& x, const Child& y) {
    return x.byte == y.byte && x.set == y.set;
  };
  const auto [begin, end] = set_index_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    const SetNode& other = sets_[known->second];
    if (node.has_end == other.has_end &&
        std::equal(node.children.begin(), node.children.end(), other.children.begin(),
                   other.children.end(), same)) {
      return known->second;
    }
  }
  const auto id = static_cast<SetId>(sets_.size());
  num_children_ += node.children.size();
  sets_.push_back(std::move(node));
  set_index_.emplace(hash, id);
  return id;
}

MemoryId KeyMemory::Intern(const Memory& memory) {
  if (memory.texts == kEmptySet && memory.text == kNoText) return kNoMemory;
  const std::uint64_t hash = Mix(Mix(memory.text, memory.texts), 0);
  const auto [begin, end] = memory_index_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    const Memory& other = memories_[known->second];
    if (other.texts == memory.texts && other.text == memory.text) return known->second;
  }
  const auto id = static_cast<MemoryId>(memories_.size());
  memories_.push_back(memory);
  memory_index_.emplace(hash, id);
  return id;
}

std::string KeyMemory::TextOf(TextId text) const {
  std::string bytes(texts_[text - 1].size, '\0');
  for (std::size_t i = bytes.size(); i-- > 0; text = texts_[text - 1].before)
    bytes[i] = static_cast<char>(texts_[text - 1].last);
  return bytes;
}

PortableMemory KeyMemory::Export(MemoryId memory) const {
  PortableMemory result;
  const Memory& m = memories_[memory];
  if (m.text != kNoText) result.recording = TextOf(m.text);
  struct Place {
    SetId set = kEmptySet;
    std::size_t depth = 0;
    std::uint8_t byte = 0;
  };
  std::vector<Place> todo = {{m.texts, 0, 0}};
  std::string text;
  while (!todo.empty()) {
    const Place place = todo.back();
    todo.pop_back();
    text.resize(place.depth);
    if (place.depth > 0) text.back() = static_cast<char>(place.byte);
    if (sets_[place.set].has_end) result.texts.push_back(text);
    for (const Child& child : sets_[place.set].children)
      todo.push_back({child.set, place.depth + 1, child.byte});
  }
  return result;
}

MemoryId KeyMemory::Import(const PortableMemory& memory) {
  Memory m;
  for (const std::string& text : memory.texts) m.texts = With(m.texts, text);
  MemoryId id = Intern(m);
  if (!memory.recording) return id;
  id = Begin(id);
  for (const char c : *memory.recording) id = Take(id, static_cast<std::uint8_t>(c));
  return id;
}

std::size_t KeyMemory::ByteSize() const {
  return memories_.size() * (sizeof(Memory) + kMapEntryBytes) +
         texts_.size() * (sizeof(TextNode) + kMapEntryBytes) +
         sets_.size() * (sizeof(SetNode) + kMapEntryBytes) + num_children_ * sizeof(Child);
}

}  // namespace sentiric::grammar
