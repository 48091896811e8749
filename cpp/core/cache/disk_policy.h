// SPDX-License-Identifier: AGPL-3.0-only
// Decides what may be written to disk.
//
// The disk cache outlives the process, so it never holds a conversation: only tokens with which two
// different conversations are known to begin (a system prompt, a document). That is the common
// prefix of two requests, if they diverge inside the opening of both. An opening ends with the
// first user message; later turns of a conversation repeat all of it and prove nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "core/cache/prefix_request.h"
#include "core/seams/stored_state.h"

namespace sentiric {

// The request's first `match` tokens are those of `other`. Returns how many of them two different
// conversations are known to begin with: these two, or `other` and an earlier one.
std::int32_t CommonBeginning(const PrefixRequest& request, const PrefixRecord& other,
                             std::int32_t match);

// The part that may be written of a sequence whose first `computed` tokens are in the KV cache;
// nullopt when it is shorter than `min_length`.
std::optional<PrefixRecord> WritablePart(const PrefixRecord& record, std::int32_t computed,
                                         std::int32_t min_length);

}  // namespace sentiric
