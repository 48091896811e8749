// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/prefix_search.h"

#include <algorithm>

namespace sentiric {
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
  // Reading a file does not pay for a few more tokens.
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
    if (match.length < NumTokens(RecordOf(match.holder).tokens)) {
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
  return IsStored(holder) ? NumTokens(RecordOf(holder).tokens) : SlotOf(holder).computed;
}

// Whether the holder's cells can be cut to `length`.
bool PrefixSearch::CanGive(HolderId holder, std::int32_t length) const {
  if (length >= ComputedOf(holder)) return true;
  return length >= (IsStored(holder) ? RecordOf(holder).shortest : decoder_->ShortestCut(holder));
}

// Leaves at least one token to evaluate, and never a chunk that is too short for the backend.
std::int32_t PrefixSearch::MaxLength(const PrefixRequest& request) const {
  if (!request.needs_logits) return NumTokens(request.tokens);
  const std::int32_t all_but_one = NumTokens(request.tokens) - 1;
  const std::int32_t last_chunk = request.prompt_size - config_.min_chunk;
  const std::int32_t most =
      all_but_one < request.prompt_size ? std::min(all_but_one, last_chunk) : all_but_one;
  return std::max(0, std::min(most, request.most));
}

// Tokens that the request may take from a holder: in exact mode only cells that a prefill computed,
// for positions that the request would prefill itself.
std::int32_t PrefixSearch::Shared(const PrefixRecord& record, const PrefixRequest& request) const {
  return config_.is_exact ? std::min(record.shared, request.prompt_size) : record.shared;
}

// Tokens of the request that it can take from the holder now.
std::int32_t PrefixSearch::Usable(const PrefixMatch& match, const PrefixRequest& request) const {
  const PrefixRecord& record = RecordOf(match.holder);
  const std::int32_t computed = ComputedOf(match.holder);
  const std::int32_t allowed = record.owner == request.owner ? computed : Shared(record, request);
  std::int32_t length = std::min({match.length, computed, allowed, MaxLength(request)});
  // A cut inside the last chunk would leave a chunk that is too short.
  if (request.needs_logits && length < request.prompt_size) {
    length = std::min(length, request.prompt_size - config_.min_chunk);
  }
  return length >= config_.min_copy && CanGive(match.holder, length) ? length : 0;
}

// Tokens that the request can take from a running holder once that has computed them. 0 for holders
// that have not begun and were admitted after `seq`, so that sequences never wait for each other.
std::int32_t PrefixSearch::Promised(SeqId seq, const PrefixMatch& match,
                                    const PrefixRequest& request) const {
  if (IsStored(match.holder)) return 0;
  const CacheSlot& slot = SlotOf(match.holder);
  const bool is_growing =
      slot.state == CacheSlot::State::kRunning && slot.computed < NumTokens(slot.record.tokens);
  if (!is_growing || slot.may_stall || !(slot.has_begun || slot.order < SlotOf(seq).order))
    return 0;
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
