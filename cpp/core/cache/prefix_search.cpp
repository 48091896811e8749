// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/prefix_search.h"

#include <algorithm>

namespace sentiric {
namespace {

std::int32_t Size(const std::vector<Token>& tokens) {
  return static_cast<std::int32_t>(tokens.size());
}

}  // namespace

PrefixSource PrefixSearch::Find(SeqId seq, const PrefixRequest& request) const {
  PrefixSource best, on_disk;
  if (!config_.is_enabled) return best;
  for (const PrefixMatch& match : index_.Match(request.scope, request.tokens)) {
    if (match.length <= best.length) break;
    if (match.holder == seq) continue;
    PrefixSource& kind = IsOnDisk(match.holder) ? on_disk : best;
    const std::int32_t length = Usable(match, request);
    if (length > kind.length) kind = {match.holder, length};
  }
  // A few tokens more are not worth reading a file.
  return on_disk.length >= best.length + config_.min_read ? on_disk : best;
}

bool PrefixSearch::IsWorthWaiting(SeqId seq, const PrefixRequest& request,
                                  std::int32_t have) const {
  if (!config_.is_enabled) return false;
  const std::int32_t enough = std::max(have + 1, config_.min_copy);
  for (const PrefixMatch& match : index_.Match(request.scope, request.tokens)) {
    if (match.length < enough) return false;
    if (match.holder != seq && Promised(seq, match, request) >= enough) return true;
  }
  return false;
}

std::int32_t PrefixSearch::PartingOf(const PrefixRequest& request) const {
  std::int32_t parting = 0;
  for (const PrefixMatch& match : index_.Match(request.scope, request.tokens)) {
    if (match.length < Size(RecordOf(match.holder).tokens)) {
      parting = std::max(parting, match.length);
    }
  }
  return parting;
}

std::int32_t PrefixSearch::Unique(SeqId seq) const {
  const CacheSlot& slot = SlotOf(seq);
  std::int32_t elsewhere = 0;
  for (const PrefixMatch& match : index_.Match(slot.record.scope, slot.record.tokens)) {
    if (match.holder == seq || IsOnDisk(match.holder)) continue;
    const std::int32_t has = std::min(match.length, ComputedOf(match.holder));
    if (CanGive(match.holder, has)) elsewhere = std::max(elsewhere, has);
  }
  return slot.computed - elsewhere;
}

std::int32_t PrefixSearch::ComputedOf(HolderId holder) const {
  return IsStored(holder) ? Size(RecordOf(holder).tokens) : SlotOf(holder).computed;
}

// Whether what the holder computed can be cut to `length`.
bool PrefixSearch::CanGive(HolderId holder, std::int32_t length) const {
  if (length >= ComputedOf(holder)) return true;
  return length >= (IsStored(holder) ? RecordOf(holder).shortest : decoder_->ShortestCut(holder));
}

// At least one token is always evaluated, and never a chunk that is too short for the backend.
std::int32_t PrefixSearch::MaxLength(const PrefixRequest& request) const {
  const std::int32_t all_but_one = Size(request.tokens) - 1;
  const std::int32_t last_chunk = request.prompt_size - config_.min_chunk;
  return std::max(
      0, all_but_one < request.prompt_size ? std::min(all_but_one, last_chunk) : all_but_one);
}

// Tokens that the request may take from somebody else: in exact mode what a prefill computed, for
// what it would compute in a prefill itself.
std::int32_t PrefixSearch::Shared(const PrefixRecord& record, const PrefixRequest& request) const {
  return config_.is_exact ? std::min(record.shared, request.prompt_size) : record.shared;
}

// Tokens of the request that could be taken from the holder now.
std::int32_t PrefixSearch::Usable(const PrefixMatch& match, const PrefixRequest& request) const {
  const PrefixRecord& record = RecordOf(match.holder);
  const std::int32_t computed = ComputedOf(match.holder);
  const std::int32_t allowed = record.owner == request.owner ? computed : Shared(record, request);
  std::int32_t length = std::min({match.length, computed, allowed, MaxLength(request)});
  // A cut inside the last chunk would leave too little of it.
  if (length < request.prompt_size) {
    length = std::min(length, request.prompt_size - config_.min_chunk);
  }
  return length >= config_.min_copy && CanGive(match.holder, length) ? length : 0;
}

// What the holder will have computed if one waits for it. Only for those who began, or stand before
// `seq`: nobody waits in a circle.
std::int32_t PrefixSearch::Promised(SeqId seq, const PrefixMatch& match,
                                    const PrefixRequest& request) const {
  if (IsStored(match.holder)) return 0;
  const CacheSlot& slot = SlotOf(match.holder);
  const bool is_growing =
      slot.state == CacheSlot::State::kRunning && slot.computed < Size(slot.record.tokens);
  if (!is_growing || !(slot.has_begun || slot.order < SlotOf(seq).order)) return 0;
  const std::int32_t length =
      std::min({match.length, Shared(slot.record, request), MaxLength(request)});
  if (decoder_->traits().can_cut) {
    return length > slot.computed || CanGive(match.holder, length) ? length : 0;
  }
  std::int32_t checkpoint = 0;
  for (const std::int32_t stop : slot.stops) {
    if (stop > slot.computed && stop <= length) checkpoint = stop;
  }
  return checkpoint;
}

}  // namespace sentiric
