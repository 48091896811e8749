// SPDX-License-Identifier: AGPL-3.0-only
// The part of the prefix cache that evicts sequences and keeps states outside of the decoder.
#include <utility>

#include "core/cache/disk_policy.h"
#include "core/cache/prefix_cache.h"

namespace sentiric {

bool PrefixCache::EvictOne() {
  const SeqId oldest = LeastRecentlyUsed(-1);
  if (oldest >= 0) Evict(oldest);
  return oldest >= 0;
}

void PrefixCache::Evict(SeqId seq) {
  if (!IsCached(seq)) return;
  if (search_.Unique(seq) >= config_.min_copy && KeepInHost(seq, SlotOf(seq).record)) {
    ++stats_.host_saves;
  }
  SaveCommon(seq);
  Free(seq);
  ++stats_.evictions;
}

void PrefixCache::Close() {
  for (SeqId seq = 0; seq < static_cast<SeqId>(slots_.size()); ++seq) {
    if (!IsCached(seq)) continue;
    stored_.Flush();  // makes room in the queue of the writer
    SaveCommon(seq);
    Free(seq);
  }
  stored_.Flush();
  stored_.ForgetLost();
}

// Copies the state of a sequence to host memory. Earlier turns of its conversation are then
// dropped, if cutting this state can restore them.
bool PrefixCache::KeepInHost(SeqId seq, PrefixRecord record) {
  if (!stored_.FitsInHost(decoder_->SavedSize(seq))) return false;
  std::vector<std::uint8_t> bytes = decoder_->Save(seq);
  if (!stored_.FitsInHost(bytes.size())) return false;
  record.shortest = decoder_->ShortestCut(seq);
  if (decoder_->traits().can_cut) stored_.ForgetCovered(record, false);
  stored_.PutInHost({std::move(record), std::move(bytes)});
  return true;
}

void PrefixCache::MaybeKeepCheckpoint(SeqId seq) {
  CacheSlot& slot = SlotOf(seq);
  const std::int32_t at = slot.computed;
  if (!checkpoints_.IsDue(at, slot.kept, slot.prompt_size, slot.stops)) return;
  // Rows are reported one by one, but the state includes all of them.
  if (decoder_->MaxPosition(seq) + 1 != at) return;
  slot.kept = at;
  PrefixRecord record = slot.record;
  record.tokens.resize(static_cast<std::size_t>(at));
  record.shared = std::min(record.shared, at);
  for (const PrefixMatch& match : index_.Match(record.scope, record.tokens)) {
    const bool has_all = match.length == at && IsStored(match.holder);
    if (has_all && search_.ComputedOf(match.holder) == at) return;
  }
  if (KeepInHost(seq, std::move(record))) ++stats_.checkpoints;
}

// Cuts a cached sequence to the part that it has in common with another conversation and writes
// that to disk, unless it is there already.
void PrefixCache::SaveCommon(SeqId seq) {
  if (!stored_.has_disk()) return;
  const CacheSlot& slot = SlotOf(seq);
  std::optional<PrefixRecord> part = WritablePart(slot.record, slot.computed, config_.min_copy);
  if (!part || stored_.IsSavedOnDisk(*part)) return;
  if (!CutTo(seq, part->common) || decoder_->ShortestCut(seq) > 0) return;
  if (!stored_.FitsOnDisk(decoder_->SavedSize(seq))) return;
  std::vector<std::uint8_t> bytes = decoder_->Save(seq);
  if (bytes.empty()) return;
  stored_.ForgetCovered(*part, true);
  stored_.PutOnDisk({std::move(*part), std::move(bytes)});
}

PrefixStats PrefixCache::stats() const {
  PrefixStats stats = stats_;
  stats.host_bytes = stored_.num_host_bytes();
  stats.host_drops = stored_.num_host_drops();
  stats.disk_saves = stored_.num_disk_saves();
  stats.disk_bytes = stored_.num_disk_bytes();
  stats.disk_failures = stored_.num_disk_failures();
  for (const CacheSlot& slot : slots_) {
    if (slot.state != CacheSlot::State::kCached) continue;
    ++stats.cached_sequences;
    stats.cached_tokens += slot.computed;
  }
  return stats;
}

bool PrefixCache::IsSlotSound(SeqId seq) const {
  const CacheSlot& slot = SlotOf(seq);
  const std::int32_t cells = decoder_->MaxPosition(seq) + 1;
  const auto size = static_cast<std::int32_t>(slot.record.tokens.size());
  const bool is_running = slot.state == CacheSlot::State::kRunning;
  if (is_running == pool_->is_free(seq)) return false;
  if (config_.is_enabled && index_.TokensOf(seq) != slot.record.tokens) return false;
  switch (slot.state) {
    case CacheSlot::State::kFree: return cells == 0 && size == 0;
    case CacheSlot::State::kCached: return cells == slot.computed && cells == size;
    case CacheSlot::State::kRunning: return cells >= slot.computed;
  }
  return false;
}

bool PrefixCache::CheckIntegrity() const {
  std::size_t holders = stored_.size();
  for (SeqId seq = 0; seq < static_cast<SeqId>(slots_.size()); ++seq) {
    if (!IsSlotSound(seq)) return false;
    if (SlotOf(seq).state != CacheSlot::State::kFree && config_.is_enabled) ++holders;
  }
  return index_.CheckIntegrity() && index_.num_holders() == holders && stored_.CheckIntegrity();
}

}  // namespace sentiric
