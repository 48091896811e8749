// SPDX-License-Identifier: AGPL-3.0-only
// XXH64 of the xxHash specification: detects accidents, not attacks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sentiric {

std::uint64_t Xxh64(const void* data, std::size_t size, std::uint64_t seed = 0);

}  // namespace sentiric
