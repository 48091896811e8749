// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/frame_sets.h"

#include <algorithm>

namespace sentiric::grammar {
namespace {

constexpr std::size_t kInitialSlots = 256;  // a power of two, like all later sizes

std::uint64_t HashFrames(const Frame* begin, const Frame* end) {
  std::uint64_t hash = 0;
  for (; begin != end; ++begin) hash = (hash ^ HashFrame(*begin)) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 31);
}

}  // namespace

FrameSets::FrameSets() : begin_(2), slots_(kInitialSlots) {}

SetId FrameSets::Intern(std::vector<Frame>* frames) {
  if (frames->size() > 1) {
    std::sort(frames->begin(), frames->end());
    frames->erase(std::unique(frames->begin(), frames->end()), frames->end());
  }
  if (frames->empty()) return 0;
  std::size_t slot = FindSlot(*frames);
  if (slots_[slot] != 0) return slots_[slot];
  if (num_sets() * 2 > slots_.size()) {
    Grow();
    slot = FindSlot(*frames);
  }
  const auto id = static_cast<SetId>(num_sets());
  frames_.insert(frames_.end(), frames->begin(), frames->end());
  begin_.push_back(static_cast<std::uint32_t>(frames_.size()));
  return slots_[slot] = id;
}

// The slot of an equal set, or the free slot for it.
std::size_t FrameSets::FindSlot(const std::vector<Frame>& frames) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = HashFrames(frames.data(), frames.data() + frames.size()) & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const SetId set = slots_[slot];
    if (size(set) == frames.size() && std::equal(frames.begin(), frames.end(), begin(set))) break;
  }
  return slot;
}

void FrameSets::Grow() {
  slots_.assign(slots_.size() * 2, 0);
  const std::size_t mask = slots_.size() - 1;
  for (SetId set = 1; set < num_sets(); ++set) {
    std::size_t slot = HashFrames(begin(set), end(set)) & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = set;
  }
}

}  // namespace sentiric::grammar
