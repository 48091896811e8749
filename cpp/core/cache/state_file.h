// SPDX-License-Identifier: AGPL-3.0-only
// The file format of a KV state: a head that identifies it, then the state as Decoder::Save
// returned it. Pure.
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
  // Everything besides scope and tokens that decides the bits of a state: model, settings, library.
  std::string fingerprint;
  std::string scope;
  std::vector<Token> tokens;
  std::uint64_t state_size = 0;
  std::uint64_t state_checksum = 0;
};

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kStateFileStart = 16;  // bytes that tell the size of the head

Bytes EncodeStateHead(const StateHead& head);

// The size of the head, at most `file_size`, from the first kStateFileStart bytes; 0 when this is
// not a state file of this version.
std::uint64_t StateHeadSize(const Bytes& start, std::uint64_t file_size);

// Decodes the whole head of a file of this size; nullopt when a bit of it is not what was written.
std::optional<StateHead> DecodeStateHead(const Bytes& bytes, std::uint64_t file_size);

bool IsStateOf(const StateHead& head, const Bytes& state);

// A file name derived from fingerprint, scope and tokens.
std::string StateFileName(const StateHead& head);

}  // namespace sentiric
