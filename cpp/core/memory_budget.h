// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>

namespace sentiric {

// Bytes that this process may still allocate without paging: what the machine has available, cut
// by the container's limit (cgroup v2 memory.max, cgroup v1 limit_in_bytes). 0 when unknown.
std::uint64_t FreeMemoryBytes();

}  // namespace sentiric
