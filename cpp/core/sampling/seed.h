// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>

namespace sentiric::sampling {

// The 32 bits that start a request's random generator; drawn for kRandomSeed. Never UINT32_MAX,
// which tells llama.cpp's samplers to draw one.
std::uint32_t FoldSeed(std::uint64_t seed);

}  // namespace sentiric::sampling
