// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/prefix_cache.h"

#include <algorithm>
#include <utility>

#include "core/cache/disk_policy.h"

namespace sentiric {
namespace {

PrefixSearchConfig SearchConfigOf(const PrefixCacheConfig& config, const DecoderTraits& traits) {
  // If attaching is free, a single token is worth it.
  const std::int32_t min_copy = traits.shares_cells ? 1 : std::max(config.min_copy, 1);
  return {config.is_enabled, config.is_exact, min_copy, config.min_copy, traits.min_chunk()};
}

}  // namespace

PrefixCache::PrefixCache(Decoder* decoder, ContextPool* pool, const PrefixCacheConfig& config,
                         std::unique_ptr<DiskTier> disk)
    : decoder_(decoder),
      pool_(pool),
      config_(config),
      keeps_checkpoints_(config.is_enabled && config.host_bytes > 0 && !decoder->traits().can_cut),
      checkpoints_(config.min_copy, decoder->traits().min_chunk()),
      min_chunk_(decoder->traits().min_chunk()),
      slots_(static_cast<std::size_t>(decoder->traits().sequences)),
      shared_(slots_.size()),
      stored_(config.host_bytes, std::move(disk), &index_),
      search_(SearchConfigOf(config, decoder->traits()), decoder, slots_, stored_, index_) {}

std::int32_t PrefixCache::Covered(const PrefixRequest& request) {
  if (request.needs_logits) return 0;
  const PrefixSource source = search_.Find(-1, request);
  if (source.holder < 0 || IsStored(source.holder)) return 0;
  if (request.prompt_size - source.length >= min_chunk_) return 0;
  SlotOf(source.holder).last_used = ++clock_;
  CountHit(source);
  return source.length;
}

std::optional<ContextLease> PrefixCache::Lease(const PrefixRequest& request) {
  stored_.ForgetLost();
  const std::int32_t common = NoteCommon(request);
  const PrefixSource source = search_.Find(-1, request);
  const SeqId seq = ChooseSlot(source);
  if (seq < 0) return std::nullopt;
  std::optional<ContextLease> lease = pool_->MaybeLease(seq);
  if (!lease) return std::nullopt;
  const bool is_in_place = source.holder == seq && CutTo(seq, source.length);
  if (!is_in_place) Evict(seq);
  Occupy(seq, request, is_in_place ? source.length : 0, common);
  return lease;
}

void PrefixCache::Occupy(SeqId seq, const PrefixRequest& request, std::int32_t computed,
                         std::int32_t common) {
  CacheSlot& slot = SlotOf(seq);
  slot.state = CacheSlot::State::kRunning;
  slot.computed = computed;
  slot.intact = INT32_MAX;
  slot.has_begun = false;
  slot.may_stall = request.most != INT32_MAX;  // then its tokens are scored
  slot.order = ++clock_;
  slot.prompt_size = request.prompt_size;
  slot.stops.clear();
  if (keeps_checkpoints_) slot.stops = checkpoints_.StopsOf(request, search_.PartingOf(request));
  const std::int32_t shared = config_.is_exact ? request.prompt_size : NumTokens(request.tokens);
  slot.record = {request.scope, request.tokens, shared, request.owner, request.opening, common};
  if (config_.is_enabled) index_.Insert(seq, request.scope, request.tokens);
}

// The number of tokens that the request is known to have in common with another conversation. Also
// recorded for the other one.
std::int32_t PrefixCache::NoteCommon(const PrefixRequest& request) {
  std::int32_t most = 0;
  if (!config_.is_enabled || !stored_.has_disk()) return most;
  for (const PrefixMatch& match : index_.Match(request.scope, request.tokens)) {
    const std::int32_t common =
        CommonBeginning(request, search_.RecordOf(match.holder), match.length);
    most = std::max(most, common);
    if (IsStored(match.holder)) continue;
    std::int32_t& known = SlotOf(match.holder).record.common;
    known = std::max(known, common);
  }
  return most;
}

Beginning PrefixCache::Begin(SeqId seq, const PrefixRequest& request) {
  CacheSlot& slot = SlotOf(seq);
  PrefixSource source{seq, slot.computed};
  if (slot.computed == 0) {
    source = search_.Find(seq, request);
    if (search_.IsWorthWaiting(seq, request, source.length)) return {true, 0};
    if (source.holder >= 0 && AttachFrom(seq, source)) slot.computed = source.length;
  }
  slot.has_begun = true;
  slot.kept = slot.computed;
  if (slot.computed > 0) CountHit(source);
  return {false, slot.computed};
}

void PrefixCache::CountHit(const PrefixSource& source) {
  ++(IsOnDisk(source.holder)   ? stats_.disk_hits
     : IsStored(source.holder) ? stats_.host_hits
                               : stats_.hits);
  stats_.attached_tokens += static_cast<std::uint64_t>(source.length);
}

void PrefixCache::OnEvaluated(SeqId seq, std::int32_t evaluated) {
  CacheSlot& slot = SlotOf(seq);
  slot.computed = std::min(evaluated, NumTokens(slot.record.tokens));
  if (keeps_checkpoints_) MaybeKeepCheckpoint(seq);
}

std::int32_t PrefixCache::NextStop(SeqId seq) const {
  const CacheSlot& slot = SlotOf(seq);
  return checkpoints_.NextStop(slot.stops, slot.computed);
}

void PrefixCache::OnShifted(SeqId seq, std::int32_t keep) {
  CacheSlot& slot = SlotOf(seq);
  slot.intact = std::min(slot.intact, keep);
  shared_.OnCut(seq, keep);
  if (NumTokens(slot.record.tokens) <= keep) return;
  slot.record.tokens.resize(static_cast<std::size_t>(keep));
  slot.record.shared = std::min(slot.record.shared, keep);
  slot.record.common = std::min(slot.record.common, keep);
  slot.computed = std::min(slot.computed, keep);
  if (config_.is_enabled) index_.Insert(seq, slot.record.scope, slot.record.tokens);
}

void PrefixCache::Release(SeqId seq, const std::vector<Token>& tokens, std::int32_t evaluated,
                          std::int32_t prompt_size) {
  CacheSlot& slot = SlotOf(seq);
  evaluated = std::min(evaluated, slot.intact);
  if (!config_.is_enabled || evaluated <= 0 || !CutTo(seq, evaluated)) return Free(seq);
  slot.record.tokens.assign(tokens.begin(), tokens.begin() + evaluated);
  slot.record.shared = config_.is_exact ? std::min(prompt_size, evaluated) : evaluated;
  slot.computed = evaluated;
  slot.state = CacheSlot::State::kCached;
  slot.last_used = ++clock_;
  index_.Insert(seq, slot.record.scope, slot.record.tokens);
}

void PrefixCache::Discard(SeqId seq) { Free(seq); }

// Among the cached sequences except `but`; -1 when there is none.
SeqId PrefixCache::LeastRecentlyUsed(SeqId but) const {
  SeqId oldest = -1;
  for (SeqId seq = 0; seq < static_cast<SeqId>(slots_.size()); ++seq) {
    if (!IsCached(seq) || seq == but) continue;
    if (oldest < 0 || SlotOf(seq).last_used < SlotOf(oldest).last_used) oldest = seq;
  }
  return oldest;
}

// The source itself if cutting it to the prefix loses nothing, or less than evicting the least
// recently used sequence. Else the lowest free sequence: in a split KV cache, sequences with
// adjacent ids share a pass over the weights.
SeqId PrefixCache::ChooseSlot(const PrefixSource& source) const {
  const bool can_reuse = source.holder >= 0 && !IsStored(source.holder) && IsCached(source.holder);
  const std::int32_t loss = can_reuse ? SlotOf(source.holder).computed - source.length : 0;
  if (can_reuse && loss == 0) return source.holder;
  const auto free = std::find_if(slots_.begin(), slots_.end(), [](const CacheSlot& slot) {
    return slot.state == CacheSlot::State::kFree;
  });
  if (free != slots_.end()) return static_cast<SeqId>(free - slots_.begin());
  const SeqId oldest = LeastRecentlyUsed(source.holder);
  if (can_reuse && (oldest < 0 || loss <= search_.Unique(oldest))) return source.holder;
  return oldest;
}

// Fills the empty sequence. On failure it stays empty and begins without a prefix.
bool PrefixCache::AttachFrom(SeqId seq, const PrefixSource& source) {
  if (IsStored(source.holder)) return RestoreFrom(seq, source);
  if (!decoder_->Copy(source.holder, seq, source.length)) {
    decoder_->Clear(seq);
    return false;
  }
  ++stats_.copies;
  if (decoder_->traits().shares_cells) shared_.OnCopied(source.holder, seq, source.length);
  SlotOf(source.holder).last_used = ++clock_;
  return true;
}

// The stored state stays, for other requests. A state that cannot be read is forgotten, unless only
// room for it is missing.
bool PrefixCache::RestoreFrom(SeqId seq, const PrefixSource& source) {
  const std::shared_ptr<const StoredState> state = stored_.Find(source.holder);
  if (state && decoder_->Restore(seq, state->bytes) &&
      decoder_->MaxPosition(seq) + 1 == NumTokens(state->record.tokens) &&
      CutTo(seq, source.length)) {
    return true;
  }
  decoder_->Clear(seq);
  if (!state || !decoder_->traits().shares_cells) stored_.Forget(source.holder);
  return false;
}

bool PrefixCache::CutTo(SeqId seq, std::int32_t length) {
  const bool is_cut = decoder_->MaxPosition(seq) + 1 == length || decoder_->Truncate(seq, length);
  if (is_cut) shared_.OnCut(seq, length);
  return is_cut;
}

void PrefixCache::Free(SeqId seq) {
  decoder_->Clear(seq);
  shared_.OnCut(seq, 0);
  index_.Erase(seq);
  SlotOf(seq) = CacheSlot{};
}

}  // namespace sentiric
