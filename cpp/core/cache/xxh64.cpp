// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/xxh64.h"

#include <cstring>

namespace sentiric {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87, kPrime2 = 0xC2B2AE3D27D4EB4F,
                        kPrime3 = 0x165667B19E3779F9, kPrime4 = 0x85EBCA77C2B2AE63,
                        kPrime5 = 0x27D4EB2F165667C5;

std::uint64_t Rotate(std::uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

// Like the specification, the machines that llama.cpp supports are little-endian.
template <typename T>
std::uint64_t Load(const unsigned char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::uint64_t Round(std::uint64_t lane, std::uint64_t input) {
  return Rotate(lane + input * kPrime2, 31) * kPrime1;
}

std::uint64_t Merge(std::uint64_t hash, std::uint64_t lane) {
  return (hash ^ Round(0, lane)) * kPrime1 + kPrime4;
}

// Hashes the stripes of 32 bytes and moves `at` behind them.
std::uint64_t HashStripes(const unsigned char** at, const unsigned char* end, std::uint64_t seed) {
  std::uint64_t lanes[4] = {seed + kPrime1 + kPrime2, seed + kPrime2, seed, seed - kPrime1};
  for (; end - *at >= 32; *at += 32) {
    for (int i = 0; i < 4; ++i) lanes[i] = Round(lanes[i], Load<std::uint64_t>(*at + 8 * i));
  }
  std::uint64_t hash =
      Rotate(lanes[0], 1) + Rotate(lanes[1], 7) + Rotate(lanes[2], 12) + Rotate(lanes[3], 18);
  for (const std::uint64_t lane : lanes) hash = Merge(hash, lane);
  return hash;
}

std::uint64_t Avalanche(std::uint64_t hash) {
  hash = (hash ^ hash >> 33) * kPrime2;
  hash = (hash ^ hash >> 29) * kPrime3;
  return hash ^ hash >> 32;
}

}  // namespace

std::uint64_t Xxh64(const void* data, std::size_t size, std::uint64_t seed) {
  const auto* at = static_cast<const unsigned char*>(data);
  const unsigned char* const end = at + size;
  std::uint64_t hash = size >= 32 ? HashStripes(&at, end, seed) : seed + kPrime5;
  hash += size;
  for (; end - at >= 8; at += 8) {
    hash = Rotate(hash ^ Round(0, Load<std::uint64_t>(at)), 27) * kPrime1 + kPrime4;
  }
  for (; end - at >= 4; at += 4) {
    hash = Rotate(hash ^ Load<std::uint32_t>(at) * kPrime1, 23) * kPrime2 + kPrime3;
  }
  for (; at < end; ++at) hash = Rotate(hash ^ *at * kPrime5, 11) * kPrime1;
  return Avalanche(hash);
}

}  // namespace sentiric
