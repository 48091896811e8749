// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/prefix_cache.h"

#include <algorithm>
#include <utility>

namespace sentiric {
namespace {

// States are kept at least this many prompt tokens apart, and this far before the end: a few tokens
// of the template follow what a user said, and change in the next turn.
constexpr std::int32_t kCheckpointDistance = 256, kTail = 8;

std::int32_t Size(const std::vector<Token>& tokens) {
  return static_cast<std::int32_t>(tokens.size());
}

}  // namespace

PrefixCache::PrefixCache(Decoder* decoder, ContextPool* pool, const PrefixCacheConfig& config,
                         std::unique_ptr<DiskTier> disk)
    : decoder_(decoder),
      pool_(pool),
      config_(config),
      min_copy_(decoder->traits().shares_cells ? 1 : std::max(config.min_copy, 1)),
      keeps_checkpoints_(config.is_enabled && config.host_bytes > 0 && !decoder->traits().can_cut),
      min_chunk_(decoder->traits().mixes_rows ? 1 : 2),
      slots_(static_cast<std::size_t>(decoder->traits().sequences)),
      store_(config.host_bytes),
      disk_(disk ? std::move(disk) : std::make_unique<NoDisk>()) {
  for (const HolderId holder : disk_->holders()) {
    const PrefixRecord& record = *disk_->Peek(holder);
    index_.Insert(holder, record.scope, record.tokens);
  }
}

std::optional<ContextLease> PrefixCache::Lease(const PrefixWant& want) {
  ForgetLost();
  const std::int32_t common = FindCommon(want);
  const Source source = FindSource(-1, want);
  const SeqId seq = ChooseSlot(source);
  if (seq < 0) return std::nullopt;
  std::optional<ContextLease> lease = pool_->MaybeLease(seq);
  if (!lease) return std::nullopt;
  Slot& slot = SlotOf(seq);
  const bool is_in_place = source.holder == seq && CutTo(seq, source.length);
  if (!is_in_place) Evict(seq);
  slot.state = Slot::State::kRunning;
  slot.computed = is_in_place ? source.length : 0;
  slot.intact = INT32_MAX;
  slot.has_begun = false;
  slot.order = ++clock_;
  const std::int32_t shared = config_.is_exact ? want.prompt_size : Size(want.tokens);
  slot.prompt_size = want.prompt_size;
  slot.stops = FindStops(want);
  slot.record = {want.scope, want.tokens, shared, want.owner, want.opening, common};
  if (config_.is_enabled) index_.Insert(seq, want.scope, want.tokens);
  return lease;
}

Beginning PrefixCache::Begin(SeqId seq, const PrefixWant& want) {
  Slot& slot = SlotOf(seq);
  Source source{seq, slot.computed};
  if (slot.computed == 0) {
    source = FindSource(seq, want);
    if (IsWorthWaiting(seq, want, source.length)) return {true, 0};
    if (source.holder >= 0 && AttachFrom(seq, source)) slot.computed = source.length;
  }
  slot.has_begun = true;
  slot.kept = slot.computed;
  if (slot.computed > 0) {
    ++(IsOnDisk(source.holder)   ? stats_.disk_hits
       : IsStored(source.holder) ? stats_.host_hits
                                 : stats_.hits);
    stats_.attached_tokens += static_cast<std::uint64_t>(slot.computed);
  }
  return {false, slot.computed};
}

void PrefixCache::OnEvaluated(SeqId seq, std::int32_t evaluated) {
  Slot& slot = SlotOf(seq);
  slot.computed = std::min(evaluated, Size(slot.record.tokens));
  MaybeKeepCheckpoint(seq);
}

std::int32_t PrefixCache::NextStop(SeqId seq) const {
  const Slot& slot = SlotOf(seq);
  const auto next = std::find_if(slot.stops.begin(), slot.stops.end(), [&](std::int32_t stop) {
    return stop - slot.computed >= min_chunk_;
  });
  return next == slot.stops.end() ? 0 : *next;
}

void PrefixCache::OnShifted(SeqId seq, std::int32_t keep) {
  Slot& slot = SlotOf(seq);
  slot.intact = std::min(slot.intact, keep);
  if (Size(slot.record.tokens) <= keep) return;
  slot.record.tokens.resize(static_cast<std::size_t>(keep));
  slot.record.shared = std::min(slot.record.shared, keep);
  slot.record.common = std::min(slot.record.common, keep);
  slot.computed = std::min(slot.computed, keep);
  if (config_.is_enabled) index_.Insert(seq, slot.record.scope, slot.record.tokens);
}

void PrefixCache::Release(SeqId seq, const std::vector<Token>& tokens, std::int32_t evaluated,
                          std::int32_t prompt_size) {
  Slot& slot = SlotOf(seq);
  evaluated = std::min(evaluated, slot.intact);
  if (!config_.is_enabled || evaluated <= 0 || !CutTo(seq, evaluated)) return Free(seq);
  slot.record.tokens.assign(tokens.begin(), tokens.begin() + evaluated);
  slot.record.shared = config_.is_exact ? std::min(prompt_size, evaluated) : evaluated;
  slot.computed = evaluated;
  slot.state = Slot::State::kResting;
  slot.last_used = ++clock_;
  index_.Insert(seq, slot.record.scope, slot.record.tokens);
}

void PrefixCache::Discard(SeqId seq) { Free(seq); }

void PrefixCache::Close() {
  for (SeqId seq = 0; seq < static_cast<SeqId>(slots_.size()); ++seq) {
    if (SlotOf(seq).state != Slot::State::kResting) continue;
    disk_->Flush();  // room in its queue
    SaveCommon(seq);
    Free(seq);
  }
  disk_->Flush();
  ForgetLost();
}

bool PrefixCache::EvictOne() {
  SeqId oldest = -1;
  for (SeqId seq = 0; seq < static_cast<SeqId>(slots_.size()); ++seq) {
    if (SlotOf(seq).state != Slot::State::kResting) continue;
    if (oldest < 0 || SlotOf(seq).last_used < SlotOf(oldest).last_used) oldest = seq;
  }
  if (oldest >= 0) Evict(oldest);
  return oldest >= 0;
}

const PrefixRecord& PrefixCache::RecordOf(HolderId holder) const {
  return IsOnDisk(holder)   ? *disk_->Peek(holder)
         : IsStored(holder) ? *store_.Peek(holder)
                            : SlotOf(holder).record;
}

// Its tokens whose cells exist.
std::int32_t PrefixCache::ComputedOf(HolderId holder) const {
  return IsStored(holder) ? Size(RecordOf(holder).tokens) : SlotOf(holder).computed;
}

// Whether what the holder computed can be cut to `length`.
bool PrefixCache::CanGive(HolderId holder, std::int32_t length) const {
  if (length >= ComputedOf(holder)) return true;
  return length >= (IsStored(holder) ? RecordOf(holder).shortest : decoder_->ShortestCut(holder));
}

// At least one token is always evaluated, and never a chunk that is too short for the backend.
std::int32_t PrefixCache::MaxLength(const PrefixWant& want) const {
  const std::int32_t all_but_one = Size(want.tokens) - 1;
  const std::int32_t last_chunk = want.prompt_size - min_chunk_;
  return std::max(0,
                  all_but_one < want.prompt_size ? std::min(all_but_one, last_chunk) : all_but_one);
}

// Tokens that `want` may take from somebody else: in exact mode what a prefill computed, for what
// it would compute in a prefill itself.
std::int32_t PrefixCache::Shared(const PrefixRecord& record, const PrefixWant& want) const {
  return config_.is_exact ? std::min(record.shared, want.prompt_size) : record.shared;
}

// Tokens of `want` that could be taken from the holder now; `common` is what they share.
std::int32_t PrefixCache::Usable(HolderId holder, std::int32_t common,
                                 const PrefixWant& want) const {
  const PrefixRecord& record = RecordOf(holder);
  const std::int32_t computed = ComputedOf(holder);
  const std::int32_t allowed = record.owner == want.owner ? computed : Shared(record, want);
  std::int32_t length = std::min({common, computed, allowed, MaxLength(want)});
  // A cut inside the last chunk would leave too little of it.
  if (length < want.prompt_size) length = std::min(length, want.prompt_size - min_chunk_);
  return length >= min_copy_ && CanGive(holder, length) ? length : 0;
}

// What the holder will have computed if one waits for it. Only for those who began, or stand before
// `seq`: nobody waits in a circle.
std::int32_t PrefixCache::Promised(SeqId seq, HolderId holder, std::int32_t common,
                                   const PrefixWant& want) const {
  if (IsStored(holder)) return 0;
  const Slot& slot = SlotOf(holder);
  const bool is_growing =
      slot.state == Slot::State::kRunning && slot.computed < Size(slot.record.tokens);
  if (!is_growing || !(slot.has_begun || slot.order < SlotOf(seq).order)) return 0;
  const std::int32_t length = std::min({common, Shared(slot.record, want), MaxLength(want)});
  if (decoder_->traits().can_cut) {
    return length > slot.computed || CanGive(holder, length) ? length : 0;
  }
  std::int32_t checkpoint = 0;
  for (const std::int32_t stop : slot.stops) {
    if (stop > slot.computed && stop <= length) checkpoint = stop;
  }
  return checkpoint;
}

PrefixCache::Source PrefixCache::FindSource(SeqId seq, const PrefixWant& want) const {
  Source best, on_disk;
  if (!config_.is_enabled) return best;
  for (const PrefixMatch& match : index_.Match(want.scope, want.tokens)) {
    if (match.length <= best.length) break;
    if (match.holder == seq) continue;
    Source& kind = IsOnDisk(match.holder) ? on_disk : best;
    const std::int32_t length = Usable(match.holder, match.length, want);
    if (length > kind.length) kind = {match.holder, length};
  }
  // A few tokens more are not worth reading a file.
  return on_disk.length >= best.length + config_.min_copy ? on_disk : best;
}

// How much of `want` another conversation is known to begin with; notes it for the other one, too.
std::int32_t PrefixCache::FindCommon(const PrefixWant& want) {
  std::int32_t most = 0;
  if (!config_.is_enabled || !disk_->is_open()) return most;
  const std::int32_t opening = std::min(want.opening, Size(want.tokens));
  for (const PrefixMatch& match : index_.Match(want.scope, want.tokens)) {
    const PrefixRecord& other = RecordOf(match.holder);
    const bool parts = match.length < std::min({opening, other.opening, Size(other.tokens)});
    const std::int32_t common = parts ? match.length : std::min(match.length, other.common);
    most = std::max(most, common);
    if (IsStored(match.holder)) continue;
    std::int32_t& known = SlotOf(match.holder).record.common;
    known = std::max(known, common);
  }
  return most;
}

std::vector<std::int32_t> PrefixCache::FindStops(const PrefixWant& want) const {
  if (!keeps_checkpoints_) return {};
  std::int32_t parting = 0;
  for (const PrefixMatch& match : index_.Match(want.scope, want.tokens)) {
    if (match.length < Size(RecordOf(match.holder).tokens)) {
      parting = std::max(parting, match.length);
    }
  }
  const std::int32_t last = want.prompt_size - min_chunk_;
  std::vector<std::int32_t> stops = {want.head, parting, want.prompt_size - kTail};
  stops.erase(
      std::remove_if(stops.begin(), stops.end(),
                     [&](std::int32_t stop) { return stop < config_.min_copy || stop > last; }),
      stops.end());
  std::sort(stops.begin(), stops.end());
  return stops;
}

bool PrefixCache::IsWorthWaiting(SeqId seq, const PrefixWant& want, std::int32_t have) const {
  if (!config_.is_enabled) return false;
  const std::int32_t enough = std::max(have + 1, min_copy_);
  for (const PrefixMatch& match : index_.Match(want.scope, want.tokens)) {
    if (match.length < enough) return false;
    if (match.holder != seq && Promised(seq, match.holder, match.length, want) >= enough) {
      return true;
    }
  }
  return false;
}

// Tokens that would be lost with the sequence: nobody else has them in memory.
std::int32_t PrefixCache::Unique(SeqId seq) const {
  const Slot& slot = SlotOf(seq);
  std::int32_t elsewhere = 0;
  for (const PrefixMatch& match : index_.Match(slot.record.scope, slot.record.tokens)) {
    if (match.holder == seq || IsOnDisk(match.holder)) continue;
    const std::int32_t has = std::min(match.length, ComputedOf(match.holder));
    if (CanGive(match.holder, has)) elsewhere = std::max(elsewhere, has);
  }
  return slot.computed - elsewhere;
}

// The source itself when it may be cut to the prefix at no loss, or at a smaller one than taking
// the place of the least recently used; else a free one, lowest first: neighbouring numbers share
// one pass over the weights in a split KV cache.
SeqId PrefixCache::ChooseSlot(const Source& source) const {
  const bool can_reuse = source.holder >= 0 && !IsStored(source.holder) &&
                         SlotOf(source.holder).state == Slot::State::kResting;
  const std::int32_t loss = can_reuse ? SlotOf(source.holder).computed - source.length : 0;
  if (can_reuse && loss == 0) return source.holder;
  SeqId oldest = -1;
  for (SeqId seq = 0; seq < static_cast<SeqId>(slots_.size()); ++seq) {
    const Slot& slot = SlotOf(seq);
    if (slot.state == Slot::State::kFree) return seq;
    if (slot.state != Slot::State::kResting || seq == source.holder) continue;
    if (oldest < 0 || slot.last_used < SlotOf(oldest).last_used) oldest = seq;
  }
  if (can_reuse && (oldest < 0 || loss <= Unique(oldest))) return source.holder;
  return oldest;
}

// Fills the empty sequence; on failure it stays empty and begins without a prefix.
bool PrefixCache::AttachFrom(SeqId seq, const Source& source) {
  if (IsStored(source.holder)) return RestoreFrom(seq, source);
  if (!decoder_->Copy(source.holder, seq, source.length)) {
    decoder_->Clear(seq);
    return false;
  }
  ++stats_.copies;
  SlotOf(source.holder).last_used = ++clock_;
  return true;
}

// The stored state stays: others may want it, too. One that cannot be read is forgotten, unless it
// is the room for it that is missing.
bool PrefixCache::RestoreFrom(SeqId seq, const Source& source) {
  const auto on_disk = IsOnDisk(source.holder) ? disk_->Find(source.holder) : nullptr;
  const StoredState* state = IsOnDisk(source.holder) ? on_disk.get() : store_.Find(source.holder);
  if (state != nullptr && Restore(seq, *state, source.length)) return true;
  decoder_->Clear(seq);
  if (state == nullptr || !decoder_->traits().shares_cells) Forget(source.holder);
  return false;
}

bool PrefixCache::Restore(SeqId seq, const StoredState& state, std::int32_t length) {
  return decoder_->Restore(seq, state.bytes) &&
         decoder_->MaxPosition(seq) + 1 == Size(state.record.tokens) && CutTo(seq, length);
}

void PrefixCache::Forget(HolderId stored) {
  index_.Erase(stored);
  if (IsOnDisk(stored)) {
    disk_->Erase(stored);
  } else {
    store_.Erase(stored);
  }
}

void PrefixCache::ForgetLost() {
  for (const HolderId holder : disk_->TakeLost()) index_.Erase(holder);
}

bool PrefixCache::CutTo(SeqId seq, std::int32_t length) {
  return decoder_->MaxPosition(seq) + 1 == length || decoder_->Truncate(seq, length);
}

void PrefixCache::Free(SeqId seq) {
  decoder_->Clear(seq);
  index_.Erase(seq);
  SlotOf(seq) = Slot{};
}

void PrefixCache::Evict(SeqId seq) {
  if (SlotOf(seq).state != Slot::State::kResting) return;
  Store(seq);
  SaveCommon(seq);
  Free(seq);
  ++stats_.evictions;
}

void PrefixCache::Store(SeqId seq) {
  if (Unique(seq) >= config_.min_copy && Keep(seq, SlotOf(seq).record)) ++stats_.host_saves;
}

// The state of a sequence goes to host memory as well. Earlier turns of its conversation may go
// then, if a cut can bring them back.
bool PrefixCache::Keep(SeqId seq, PrefixRecord record) {
  if (!store_.Fits(decoder_->SavedSize(seq))) return false;
  std::vector<std::uint8_t> bytes = decoder_->Save(seq);
  if (!store_.Fits(bytes.size())) return false;
  record.shortest = decoder_->ShortestCut(seq);
  if (decoder_->traits().can_cut) DropCovered(record, false);
  index_.Insert(next_stored_, record.scope, record.tokens);
  std::vector<HolderId> dropped;
  store_.Put(next_stored_, {std::move(record), std::move(bytes)}, &dropped);
  next_stored_ = next_stored_ + 1 == kFirstOnDisk ? kFirstStored : next_stored_ + 1;
  for (const HolderId holder : dropped) index_.Erase(holder);
  stats_.host_drops += dropped.size();
  return true;
}

void PrefixCache::MaybeKeepCheckpoint(SeqId seq) {
  Slot& slot = SlotOf(seq);
  const std::int32_t at = slot.computed;
  if (!keeps_checkpoints_ || at <= slot.kept || at > slot.prompt_size - min_chunk_) return;
  const bool is_far = at >= 2 * slot.kept && at - slot.kept >= kCheckpointDistance;
  if (!is_far && std::count(slot.stops.begin(), slot.stops.end(), at) == 0) return;
  // Rows are reported one by one, the state is that behind all of them.
  if (decoder_->MaxPosition(seq) + 1 != at) return;
  slot.kept = at;
  PrefixRecord record = slot.record;
  record.tokens.resize(static_cast<std::size_t>(at));
  record.shared = std::min(record.shared, at);
  for (const PrefixMatch& match : index_.Match(record.scope, record.tokens)) {
    if (match.length == at && IsStored(match.holder) && ComputedOf(match.holder) == at) return;
  }
  if (Keep(seq, std::move(record))) ++stats_.checkpoints;
}

// Cuts a resting sequence to what it has in common with another conversation and hands that to the
// disk, unless it is there.
void PrefixCache::SaveCommon(SeqId seq) {
  const Slot& slot = SlotOf(seq);
  const std::int32_t common = std::min({slot.record.common, slot.record.shared, slot.computed});
  if (!disk_->is_open() || common < config_.min_copy) return;
  const std::vector<Token>& tokens = slot.record.tokens;
  const PrefixRecord record{
      slot.record.scope, {tokens.begin(), tokens.begin() + common}, common, 0, 0, common};
  if (IsSaved(record) || !CutTo(seq, common) || decoder_->ShortestCut(seq) > 0) return;
  if (!disk_->HasRoomFor(decoder_->SavedSize(seq))) return;
  std::vector<std::uint8_t> bytes = decoder_->Save(seq);
  if (bytes.empty()) return;
  DropCovered(record, true);
  std::vector<HolderId> dropped;
  const std::optional<HolderId> holder = disk_->Put({record, std::move(bytes)}, &dropped);
  for (const HolderId old : dropped) index_.Erase(old);
  if (!holder) return;
  index_.Insert(*holder, record.scope, record.tokens);
  ++stats_.disk_saves;
}

bool PrefixCache::IsSaved(const PrefixRecord& record) {
  for (const PrefixMatch& match : index_.Match(record.scope, record.tokens)) {
    if (match.length < Size(record.tokens)) return false;
    if (!IsOnDisk(match.holder)) continue;
    disk_->Use(match.holder);
    return true;
  }
  return false;
}

// Stored states that the record makes superfluous: earlier turns of the same conversation.
void PrefixCache::DropCovered(const PrefixRecord& record, bool on_disk) {
  for (const PrefixMatch& match : index_.Match(record.scope, record.tokens)) {
    if (!IsStored(match.holder) || IsOnDisk(match.holder) != on_disk) continue;
    const PrefixRecord& old = RecordOf(match.holder);
    if (match.length < Size(old.tokens)) continue;
    if (old.owner != record.owner && record.shared < Size(old.tokens)) continue;
    Forget(match.holder);
  }
}

PrefixStats PrefixCache::stats() const {
  PrefixStats stats = stats_;
  stats.host_bytes = store_.num_bytes();
  stats.disk_bytes = disk_->num_bytes();
  stats.disk_failures = disk_->num_failures();
  for (const Slot& slot : slots_) {
    if (slot.state != Slot::State::kResting) continue;
    ++stats.resting_sequences;
    stats.resting_tokens += slot.computed;
  }
  return stats;
}

bool PrefixCache::IsSlotSound(SeqId seq) const {
  const Slot& slot = SlotOf(seq);
  const std::int32_t cells = decoder_->MaxPosition(seq) + 1;
  const bool is_running = slot.state == Slot::State::kRunning;
  if (is_running == pool_->is_free(seq)) return false;
  if (config_.is_enabled && index_.TokensOf(seq) != slot.record.tokens) return false;
  switch (slot.state) {
    case Slot::State::kFree: return cells == 0 && slot.record.tokens.empty();
    case Slot::State::kResting: return cells == slot.computed && cells == Size(slot.record.tokens);
    case Slot::State::kRunning: return cells >= slot.computed;
  }
  return false;
}

bool PrefixCache::CheckIntegrity() const {
  std::size_t holders = store_.size() + disk_->size();
  for (SeqId seq = 0; seq < static_cast<SeqId>(slots_.size()); ++seq) {
    if (!IsSlotSound(seq)) return false;
    if (SlotOf(seq).state != Slot::State::kFree && config_.is_enabled) ++holders;
  }
  for (const HolderId holder : disk_->holders()) {
    if (index_.TokensOf(holder) != disk_->Peek(holder)->tokens) return false;
  }
  return index_.CheckIntegrity() && index_.num_holders() == holders &&
         store_.num_bytes() <= config_.host_bytes && disk_->CheckIntegrity();
}

}  // namespace sentiric
