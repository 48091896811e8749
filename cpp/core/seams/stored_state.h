// SPDX-License-Identifier: AGPL-3.0-only
// KV states that left the decoder, and what is known of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Whoever keeps the KV cells of a token sequence: a sequence of the decoder or a stored state.
using HolderId = std::int32_t;

// Holders below the first one are sequences of the decoder.
inline constexpr HolderId kFirstStored = 1 << 16, kFirstOnDisk = 1 << 30;
inline bool IsStored(HolderId holder) { return holder >= kFirstStored; }
inline bool IsOnDisk(HolderId holder) { return holder >= kFirstOnDisk; }

// What is known of a token sequence whose cells exist.
struct PrefixRecord {
  std::string scope;
  std::vector<Token> tokens;
  std::int32_t shared = 0;    // others may use the tokens below it
  RequestId owner = 0;        // may use all of them
  std::int32_t opening = 0;   // tokens before the end of the first thing a user says
  std::int32_t common = 0;    // two conversations are known to begin with the tokens below it
  std::int32_t shortest = 0;  // of a stored state: the fewest tokens that it can be cut to
};

struct StoredState {
  PrefixRecord record;
  std::vector<std::uint8_t> bytes;  // as Decoder::Save gave it
};

}  // namespace sentiric
