// SPDX-License-Identifier: AGPL-3.0-only
// Hash-consed sets of stack frames: the graph-structured stack of the matcher.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/grammar/automaton/key_memory.h"
#include "core/grammar/automaton/program.h"

namespace sentiric::grammar {

using SetId = std::uint32_t;

// A counter with this bit does not count: it is so far from all bounds that more of it would change
// nothing (see Automaton::Horizon). The value without the bit is what it is compared as.
inline constexpr std::uint32_t kFrozen = std::uint32_t{1} << 31;

using Counts = std::array<std::uint32_t, kNumCounters>;

// Where to continue, what this run of the subroutine has counted and remembered, and the set of all
// frames to return to.
struct Frame {
  Pc pc = kReturnPc;
  Counts counts{};
  MemoryId memory = kNoMemory;
  SetId callers = 0;
};
inline bool operator==(const Frame& x, const Frame& y) {
  return x.pc == y.pc && x.counts == y.counts && x.memory == y.memory && x.callers == y.callers;
}
inline bool operator<(const Frame& x, const Frame& y) {
  if (x.pc != y.pc) return x.pc < y.pc;
  if (x.counts != y.counts) return x.counts < y.counts;
  return x.memory != y.memory ? x.memory < y.memory : x.callers < y.callers;
}

inline std::uint64_t HashFrame(const Frame& frame) {
  std::uint64_t hash = (std::uint64_t{frame.pc} << 32 | frame.callers) * 0x9E3779B97F4A7C15ULL;
  const std::uint64_t counts = std::uint64_t{frame.counts[1]} << 32 | frame.counts[0];
  hash = (hash ^ (hash >> 29) ^ counts) * 0xBF58476D1CE4E5B9ULL;
  hash = (hash ^ (hash >> 30) ^ frame.memory) * 0x94D049BB133111EBULL;
  return hash ^ (hash >> 32);
}

// Equal sets have equal ids. The frames of a set refer only to sets with smaller ids. Set 0 is
// empty. Not thread-safe.
class FrameSets {
 public:
  FrameSets();

  // Sorts `frames`, removes duplicates from it, and returns the id of the set.
  SetId Intern(std::vector<Frame>* frames);

  std::size_t size(SetId set) const { return begin_[set + 1] - begin_[set]; }
  // Valid until the next Intern.
  const Frame* begin(SetId set) const { return frames_.data() + begin_[set]; }
  const Frame* end(SetId set) const { return frames_.data() + begin_[set + 1]; }

  std::size_t num_sets() const { return begin_.size() - 1; }
  std::size_t ByteSize() const {
    return frames_.capacity() * sizeof(Frame) +
           (begin_.capacity() + slots_.capacity()) * sizeof(std::uint32_t);
  }

 private:
  std::size_t FindSlot(const std::vector<Frame>& frames) const;
  void Grow();

  std::vector<Frame> frames_;         // of all sets, one set after another
  std::vector<std::uint32_t> begin_;  // by set, and the end of the last one
  std::vector<SetId> slots_;  // open addressing; 0 = free, because the empty set is not in it
};

}  // namespace sentiric::grammar
