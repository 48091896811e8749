// SPDX-License-Identifier: AGPL-3.0-only
// Makes sure that a prefix is computed once: sequences begin with the cells of others, running,
// resting, or stored in host memory or on disk.
//
// What goes to disk outlives the process, so it is never a conversation: only tokens with which two
// different ones are known to begin (a system prompt, a document), that is the part before two
// requests part, if they do so inside the opening of both. An opening ends with the first message
// of a user; later turns repeat it whole and prove nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cache/context_pool.h"
#include "core/cache/prefix_index.h"
#include "core/cache/prefix_request.h"
#include "core/cache/state_store.h"
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
  std::uint64_t evictions = 0;    // resting sequences that left the KV cache
  std::uint64_t host_saves = 0, host_drops = 0;
  std::uint64_t host_bytes = 0;
  std::uint64_t disk_saves = 0, disk_failures = 0;  // files written; unusable or not writable
  std::uint64_t disk_bytes = 0;
  std::int32_t resting_tokens = 0, resting_sequences = 0;
};

// The sequences of a decoder: free, running (leased), or resting with the cells of a request that
// ended. Resting ones stay until their place or their cells are needed; the least recently used
// goes first, to host memory where there is room, its common part to disk. One thread uses it;
// `decoder` and `pool` outlive it.
class PrefixCache {
 public:
  // disk: null = none.
  PrefixCache(Decoder* decoder, ContextPool* pool, const PrefixCacheConfig& config,
              std::unique_ptr<DiskTier> disk);

  // A sequence for the tokens, nullopt when as many run as may. Begin() follows, once a step until
  // it no longer waits.
  std::optional<ContextLease> Lease(const PrefixWant& want);
  Beginning Begin(SeqId seq, const PrefixWant& want);

  // Where the next chunk of a prompt should end because its state is worth keeping there; 0 when
  // that does not matter. States that cannot be cut are kept at such places, in host memory, for
  // prompts that part from this one later: at the end of the system prompt, where an earlier prompt
  // parted, shortly before the end, and at growing distances between.
  std::int32_t NextStop(SeqId seq) const;

  // The first `evaluated` tokens of a running sequence are in the KV cache.
  void OnEvaluated(SeqId seq, std::int32_t evaluated);
  // Only the first `keep` cells are still what their tokens say.
  void OnShifted(SeqId seq, std::int32_t keep);

  // The sequence ends or is parked: tokens[0, evaluated) rest. Call before its lease goes.
  void Release(SeqId seq, const std::vector<Token>& tokens, std::int32_t evaluated,
               std::int32_t prompt_size);
  // The same for cells that nobody should trust.
  void Discard(SeqId seq);

  // Frees the cells of the sequence that rests longest; false when none does.
  bool EvictOne();

  // Frees all that rests; what two conversations have in common is on disk when it returns.
  void Close();

  PrefixStats stats() const;
  bool CheckIntegrity() const;  // the books agree with the decoder and the pool

 private:
  struct Slot {
    enum class State { kFree, kRunning, kResting };
    State state = State::kFree;
    PrefixRecord record;
    std::int32_t computed = 0;  // tokens of the record that are in the KV cache
    std::int32_t prompt_size = 0;
    std::vector<std::int32_t> stops;  // see NextStop; ascending
    std::int32_t kept = 0;            // its longest prefix in host memory
    std::int32_t intact = INT32_MAX;  // cells from here on were shifted
    bool has_begun = false;
    std::uint64_t order = 0;      // of admission
    std::uint64_t last_used = 0;  // while resting
  };
  struct Source {
    HolderId holder = -1;
    std::int32_t length = 0;
  };

  Slot& SlotOf(SeqId seq) { return slots_[static_cast<std::size_t>(seq)]; }
  const Slot& SlotOf(SeqId seq) const { return slots_[static_cast<std::size_t>(seq)]; }
  const PrefixRecord& RecordOf(HolderId holder) const;
  std::int32_t ComputedOf(HolderId holder) const;
  bool CanGive(HolderId holder, std::int32_t length) const;
  std::int32_t MaxLength(const PrefixWant& want) const;
  std::int32_t Shared(const PrefixRecord& record, const PrefixWant& want) const;
  std::int32_t Usable(HolderId holder, std::int32_t common, const PrefixWant& want) const;
  std::int32_t Promised(SeqId seq, HolderId holder, std::int32_t common,
                        const PrefixWant& want) const;
  Source FindSource(SeqId seq, const PrefixWant& want) const;
  std::int32_t FindCommon(const PrefixWant& want);
  std::vector<std::int32_t> FindStops(const PrefixWant& want) const;
  bool IsWorthWaiting(SeqId seq, const PrefixWant& want, std::int32_t have) const;
  std::int32_t Unique(SeqId seq) const;
  SeqId ChooseSlot(const Source& source) const;
  bool AttachFrom(SeqId seq, const Source& source);
  bool RestoreFrom(SeqId seq, const Source& source);
  bool Restore(SeqId seq, const StoredState& state, std::int32_t length);
  void Forget(HolderId stored);
  void ForgetLost();
  bool CutTo(SeqId seq, std::int32_t length);
  void Free(SeqId seq);
  void Evict(SeqId seq);
  void Store(SeqId seq);
  bool Keep(SeqId seq, PrefixRecord record);
  void MaybeKeepCheckpoint(SeqId seq);
  void SaveCommon(SeqId seq);
  bool IsSaved(const PrefixRecord& record);
  void DropCovered(const PrefixRecord& record, bool on_disk);
  bool IsSlotSound(SeqId seq) const;

  Decoder* const decoder_;
  ContextPool* const pool_;
  const PrefixCacheConfig config_;
  const std::int32_t min_copy_;   // 1 where attaching costs nothing
  const bool keeps_checkpoints_;  // states cannot be cut, and there is room for them
  const std::int32_t min_chunk_;  // fewest tokens of a prefill call
  std::vector<Slot> slots_;       // by SeqId
  PrefixIndex index_;             // every slot that is not free, every stored state
  StateStore store_;
  const std::unique_ptr<DiskTier> disk_;
  HolderId next_stored_ = kFirstStored;
  std::uint64_t clock_ = 0;
  PrefixStats stats_;
};

}  // namespace sentiric
