// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/seed.h"

#include <random>

#include "sentiric/types.h"

namespace sentiric::sampling {

std::uint32_t FoldSeed(std::uint64_t seed) {
  if (seed == kRandomSeed) seed = (std::uint64_t{std::random_device{}()} << 32) | 1u;
  const auto folded = static_cast<std::uint32_t>(seed ^ (seed >> 32));
  return folded == UINT32_MAX ? 0 : folded;
}

}  // namespace sentiric::sampling
