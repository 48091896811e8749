// SPDX-License-Identifier: AGPL-3.0-only
// Finds the holder that can give a request the beginning of its prompt, now or soon.
#pragma once

#include <cstdint>
#include <vector>

#include "core/cache/cache_slot.h"
#include "core/cache/prefix_index.h"
#include "core/cache/prefix_request.h"
#include "core/cache/stored_states.h"
#include "core/seams/decoder.h"

namespace sentiric {

struct PrefixSearchConfig {
  bool is_enabled = true;
  bool is_exact = false;  // see PrefixCacheConfig
  // Fewest tokens worth a copy within memory, and worth reading from disk.
  std::int32_t min_copy = 1, min_read = 1;
  std::int32_t min_chunk = 1;  // fewest tokens of a prefill call
};

// A holder and the tokens it can give; length is 0 when there is none.
struct PrefixSource {
  HolderId holder = -1;
  std::int32_t length = 0;
};

// Reads the state of the prefix cache, which outlives it, and changes nothing.
class PrefixSearch {
 public:
  PrefixSearch(const PrefixSearchConfig& config, Decoder* decoder, const CacheSlots& slots,
               const StoredStates& stored, const PrefixIndex& index)
      : config_(config), decoder_(decoder), slots_(slots), stored_(stored), index_(index) {}

  // The longest prefix that `seq` can take now; seq: -1 before a sequence is chosen.
  PrefixSource Find(SeqId seq, const PrefixRequest& request) const;

  // Whether another running sequence will have computed more of the prompt than the `have` tokens
  // that `seq` could take now.
  bool IsWorthWaiting(SeqId seq, const PrefixRequest& request, std::int32_t have) const;

  // Tokens after which an earlier prompt diverged from this one; 0 = none did.
  std::int32_t PartingOf(const PrefixRequest& request) const;

  // Tokens that only this sequence holds in memory.
  std::int32_t Unique(SeqId seq) const;

  const PrefixRecord& RecordOf(HolderId holder) const {
    return IsStored(holder) ? stored_.RecordOf(holder) : SlotOf(holder).record;
  }
  std::int32_t ComputedOf(HolderId holder) const;  // its tokens whose cells exist

 private:
  const CacheSlot& SlotOf(SeqId seq) const { return slots_[static_cast<std::size_t>(seq)]; }
  bool CanGive(HolderId holder, std::int32_t length) const;
  std::int32_t MaxLength(const PrefixRequest& request) const;
  std::int32_t Shared(const PrefixRecord& record, const PrefixRequest& request) const;
  std::int32_t Usable(const PrefixMatch& match, const PrefixRequest& request) const;
  std::int32_t Promised(SeqId seq, const PrefixMatch& match, const PrefixRequest& request) const;

  const PrefixSearchConfig config_;
  Decoder* const decoder_;
  const CacheSlots& slots_;
  const StoredStates& stored_;
  const PrefixIndex& index_;
};

}  // namespace sentiric
