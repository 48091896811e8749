// SPDX-License-Identifier: AGPL-3.0-only
// What may be written to disk.
//
// What goes there outlives the process, so it is never a conversation: only tokens with which two
// different ones are known to begin (a system prompt, a document), that is the part before two
// requests part, if they do so inside the opening of both. An opening ends with the first message
// of a user; later turns repeat it whole and prove nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "core/cache/prefix_request.h"
#include "core/seams/stored_state.h"

namespace sentiric {

// The request's first `match` tokens are those of `other`. With how many of them two different
// conversations are known to begin: these two, or `other` and an earlier one.
std::int32_t CommonBeginning(const PrefixRequest& request, const PrefixRecord& other,
                             std::int32_t match);

// What of a sequence whose first `computed` tokens are in the KV cache may be written; nullopt when
// that is less than `min_length`.
std::optional<PrefixRecord> WritablePart(const PrefixRecord& record, std::int32_t computed,
                                         std::int32_t min_length);

}  // namespace sentiric
