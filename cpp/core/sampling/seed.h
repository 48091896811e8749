// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>

namespace sentiric::sampling {

// The 32-bit seed of a request's random generator; random for kRandomSeed. Never UINT32_MAX, which
// makes llama.cpp's samplers draw one.
std::uint32_t FoldSeed(std::uint64_t seed);

}  // namespace sentiric::sampling
