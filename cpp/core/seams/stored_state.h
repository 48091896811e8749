// SPDX-License-Identifier: AGPL-3.0-only
// KV states outside of the decoder, and the records that describe them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Identifies what holds the KV cells of a token sequence: a sequence of the decoder or a stored
// state.
using HolderId = std::int32_t;

// Holders below kFirstStored are sequences of the decoder.
inline constexpr HolderId kFirstStored = 1 << 16, kFirstOnDisk = 1 << 30;
inline bool IsStored(HolderId holder) { return holder >= kFirstStored; }
inline bool IsOnDisk(HolderId holder) { return holder >= kFirstOnDisk; }

// Describes a token sequence whose cells exist.
struct PrefixRecord {
  std::string scope;
  std::vector<Token> tokens;
  std::int32_t shared = 0;    // other requests may use the tokens below it
  RequestId owner = 0;        // this request may use all of them
  std::int32_t opening = 0;   // tokens before the end of the first user message
  std::int32_t common = 0;    // two conversations are known to begin with these tokens
  std::int32_t shortest = 0;  // fewest tokens that a stored state can be cut to
};

struct StoredState {
  PrefixRecord record;
  std::vector<std::uint8_t> bytes;  // as Decoder::Save returned it
};

}  // namespace sentiric
