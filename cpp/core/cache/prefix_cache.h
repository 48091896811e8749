// SPDX-License-Identifier: AGPL-3.0-only
// Computes each prefix once: a sequence begins with cells of other sequences, which are running,
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
#include "core/cache/shared_cells.h"
#include "core/cache/stored_states.h"
#include "core/seams/decoder.h"
#include "core/seams/disk_tier.h"

namespace sentiric {

struct PrefixCacheConfig {
  bool is_enabled = true;
  // Only cells that a prefill computed are shared, never those of generated tokens: decode rows and
  // prefill chunks round differently (see docs/determinism.md).
  bool is_exact = false;
  // Fewest common tokens worth a copy between KV streams.
  std::int32_t min_copy = 16;
  std::uint64_t host_bytes = 0;  // for states evicted from the KV cache; 0 = none are kept
};

// How a sequence begins: with `length` tokens already in the KV cache, or by waiting for another
// sequence that is computing a longer common prefix.
struct Beginning {
  bool waits = false;
  std::int32_t length = 0;
};

struct PrefixStats {
  std::uint64_t attached_tokens = 0;
  std::uint64_t hits = 0;         // sequences that began with cells of the KV cache
  std::uint64_t host_hits = 0;    // with a state from host memory
  std::uint64_t disk_hits = 0;    // with a state from disk
  std::uint64_t copies = 0;       // of cells between sequences; continuing in place is not counted
  std::uint64_t checkpoints = 0;  // states kept in the middle of a prompt
  std::uint64_t evictions = 0;    // cached sequences that left the KV cache
  std::uint64_t host_saves = 0, host_drops = 0;
  std::uint64_t host_bytes = 0;
  std::uint64_t disk_saves = 0, disk_failures = 0;  // files written; files unusable or not writable
  std::uint64_t disk_bytes = 0;
  std::int32_t cached_tokens = 0, cached_sequences = 0;
};

// Manages the sequences of a decoder: free, running (leased), or cached with the cells of a request
// that ended. Cached sequences stay until their slot or cells are needed. The least recently used
// one is evicted first: to host memory if there is room, its common part to disk. One thread uses
// it; `decoder` and `pool` outlive it.
class PrefixCache {
 public:
  // disk: null = none.
  PrefixCache(Decoder* decoder, ContextPool* pool, const PrefixCacheConfig& config,
              std::unique_ptr<DiskTier> disk);

  // How many tokens of the request are held now, in memory or on disk.
  std::int32_t NumCached(const PrefixRequest& request) const {
    return search_.Find(-1, request).length;
  }
  // For a request that needs no logits: how many of its tokens the KV cache holds, if nothing is to
  // be computed for it, since the rest is none or too short for a call; else 0. Counts as a use.
  std::int32_t Covered(const PrefixRequest& request);

  // Leases a sequence for the tokens; nullopt when all contexts are in use. Then call Begin() in
  // each step until it no longer waits.
  std::optional<ContextLease> Lease(const PrefixRequest& request);
  Beginning Begin(SeqId seq, const PrefixRequest& request);

  // Where the next chunk of a prompt should end for the sake of a checkpoint; 0 when it does not
  // matter. See CheckpointPolicy.
  std::int32_t NextStop(SeqId seq) const;

  // The first `evaluated` tokens of a running sequence are in the KV cache.
  void OnEvaluated(SeqId seq, std::int32_t evaluated);
  // How many of the first cells of the sequence others have as well: a shift may not move them.
  std::int32_t NumShared(SeqId seq) const { return shared_.NumShared(seq); }
  // A shift moved all cells behind the first `keep`: those are no longer shared.
  void OnShifted(SeqId seq, std::int32_t keep);

  // The sequence ends or is preempted: tokens[0, evaluated) stay cached. Call it while the lease is
  // still held.
  void Release(SeqId seq, const std::vector<Token>& tokens, std::int32_t evaluated,
               std::int32_t prompt_size);
  // The same, but nothing stays cached.
  void Discard(SeqId seq);

  // Evicts the least recently used cached sequence; false when none is cached.
  bool EvictOne();

  // Evicts all cached sequences; when it returns, their common parts are on disk.
  void Close();

  PrefixStats stats() const;
  bool CheckIntegrity() const;  // whether this agrees with the decoder and the pool

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
  const bool keeps_checkpoints_;  // states cannot be cut, and host memory is configured
  const CheckpointPolicy checkpoints_;
  const std::int32_t min_chunk_;
  CacheSlots slots_;
  SharedCells shared_;
  PrefixIndex index_;  // holds every slot that is not free and every stored state
  StoredStates stored_;
  const PrefixSearch search_;
  std::uint64_t clock_ = 0;
  PrefixStats stats_;
};

}  // namespace sentiric
