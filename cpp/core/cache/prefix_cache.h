// SPDX-License-Identifier: AGPL-3.0-only
// Makes sure that a prefix is computed once: sequences begin with the cells of others, running,
// cached, or stored in host memory or on disk.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/cache/cache_slot.h"
#include "core/cache/checkpoint_policy.h"
#include "core/cache/context_pool.h"
#include "core/cache/prefix_index.h"
#include "core/cache/prefix_request.h"
#include "core/cache/prefix_search.h"
#include "core/cache/stored_states.h"
#include "core/seams/decoder.h"
#include "core/seams/disk_tier.h"

namespace sentiric {

struct PrefixCacheConfig {
  bool is_enabled = true;
  // Others get only the cells that a prefill computed, never those of generated tokens: a decode
  // row and a prefill chunk round differently (see docs/determinism.md).
  bool is_exact = false;
  // Fewer tokens in common are not worth a copy between KV streams.
  std::int32_t min_copy = 16;
  std::uint64_t host_bytes = 0;  // for states that had to leave the KV cache; 0 = none are kept
};

// How a sequence begins: with `length` tokens already in the KV cache, or by waiting for another
// one that is computing a longer common prefix right now.
struct Beginning {
  bool waits = false;
  std::int32_t length = 0;
};

struct PrefixStats {
  std::uint64_t attached_tokens = 0;
  std::uint64_t hits = 0;         // sequences that began with cells of the KV cache
  std::uint64_t host_hits = 0;    // with a state from host memory
  std::uint64_t disk_hits = 0;    // with a state from disk
  std::uint64_t copies = 0;       // of cells between sequences, in place not counted
  std::uint64_t checkpoints = 0;  // states kept half-way through a prompt
  std::uint64_t evictions = 0;    // cached sequences that left the KV cache
  std::uint64_t host_saves = 0, host_drops = 0;
  std::uint64_t host_bytes = 0;
  std::uint64_t disk_saves = 0, disk_failures = 0;  // files written; unusable or not writable
  std::uint64_t disk_bytes = 0;
  std::int32_t cached_tokens = 0, cached_sequences = 0;
};

// The sequences of a decoder: free, running (leased), or cached with the cells of a request that
// ended. Cached ones stay until their place or their cells are needed; the least recently used
// goes first, to host memory where there is room, its common part to disk. One thread uses it;
// `decoder` and `pool` outlive it.
class PrefixCache {
 public:
  // disk: null = none.
  PrefixCache(Decoder* decoder, ContextPool* pool, const PrefixCacheConfig& config,
              std::unique_ptr<DiskTier> disk);

  // A sequence for the tokens, nullopt when as many run as may. Begin() follows, once a step until
  // it no longer waits.
  std::optional<ContextLease> Lease(const PrefixRequest& request);
  Beginning Begin(SeqId seq, const PrefixRequest& request);

  // Where the next chunk of a prompt should end because its state is worth keeping there; 0 when
  // that does not matter. See CheckpointPolicy.
  std::int32_t NextStop(SeqId seq) const;

  // The first `evaluated` tokens of a running sequence are in the KV cache.
  void OnEvaluated(SeqId seq, std::int32_t evaluated);
  // Only the first `keep` cells are still what their tokens say.
  void OnShifted(SeqId seq, std::int32_t keep);

  // The sequence ends or is preempted: tokens[0, evaluated) stay cached. Call before its lease
  // goes.
  void Release(SeqId seq, const std::vector<Token>& tokens, std::int32_t evaluated,
               std::int32_t prompt_size);
  // The same for cells that nobody should trust.
  void Discard(SeqId seq);

  // Frees the cells of the sequence that was not used for longest; false when none is cached.
  bool EvictOne();

  // Frees all that is cached; what two conversations have in common is on disk when it returns.
  void Close();

  PrefixStats stats() const;
  bool CheckIntegrity() const;  // the books agree with the decoder and the pool

 private:
  CacheSlot& SlotOf(SeqId seq) { return slots_[static_cast<std::size_t>(seq)]; }
  const CacheSlot& SlotOf(SeqId seq) const { return slots_[static_cast<std::size_t>(seq)]; }
  bool IsCached(SeqId seq) const { return SlotOf(seq).state == CacheSlot::State::kCached; }
  SeqId LeastRecentlyUsed(SeqId but) const;
  SeqId ChooseSlot(const PrefixSource& source) const;
  void Occupy(SeqId seq, const PrefixRequest& request, std::int32_t computed, std::int32_t common);
  std::int32_t NoteCommon(const PrefixRequest& request);
  bool AttachFrom(SeqId seq, const PrefixSource& source);
  bool RestoreFrom(SeqId seq, const PrefixSource& source);
  void CountHit(const PrefixSource& source);
  bool CutTo(SeqId seq, std::int32_t length);
  void Free(SeqId seq);
  void Evict(SeqId seq);
  bool KeepInHost(SeqId seq, PrefixRecord record);
  void MaybeKeepCheckpoint(SeqId seq);
  void SaveCommon(SeqId seq);
  bool IsSlotSound(SeqId seq) const;

  Decoder* const decoder_;
  ContextPool* const pool_;
  const PrefixCacheConfig config_;
  const bool keeps_checkpoints_;  // states cannot be cut, and there is room for them
  const CheckpointPolicy checkpoints_;
  CacheSlots slots_;
  PrefixIndex index_;  // every slot that is not free, every stored state
  StoredStates stored_;
  const PrefixSearch search_;
  std::uint64_t clock_ = 0;
  PrefixStats stats_;
};

}  // namespace sentiric
