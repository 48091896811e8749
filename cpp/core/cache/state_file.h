// SPDX-License-Identifier: AGPL-3.0-only
// The format of a KV state in a file: a head that says what it is and for whom, then the state as
// Decoder::Save gave it. Pure.
//
//   magic 8 | version 4 | head size 4 | state size 8 | state checksum 8 |
//   sizes of fingerprint 4, scope 4, tokens 4 | 0 4 | fingerprint | scope | tokens | head checksum
//   8
//
// Numbers are little-endian, checksums XXH64; the file ends with the state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

struct StateHead {
  // Everything that decides the bits of a state beside scope and tokens: model, settings, library.
  std::string fingerprint;
  std::string scope;
  std::vector<Token> tokens;
  std::uint64_t state_size = 0;
  std::uint64_t state_checksum = 0;
};

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kStateFileStart = 16;  // bytes that tell the size of the head

Bytes EncodeStateHead(const StateHead& head);

// From the first kStateFileStart bytes: the size of the head, at most `file_size`; 0 when this is
// no state file of this version.
std::uint64_t StateHeadSize(const Bytes& start, std::uint64_t file_size);

// From a whole head of a file of this size; nullopt when a single bit of it is not what was
// written.
std::optional<StateHead> DecodeStateHead(const Bytes& bytes, std::uint64_t file_size);

bool IsStateOf(const StateHead& head, const Bytes& state);

// A name that is the same for the same fingerprint, scope and tokens.
std::string StateFileName(const StateHead& head);

}  // namespace sentiric
