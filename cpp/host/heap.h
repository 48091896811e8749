// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

namespace sentiric {

// Returns memory that was freed but is still in the allocator's heaps to the system: planning a
// large vocabulary leaves 50 MiB there. False when there was none, and where the C library cannot
// do it. Any thread.
bool TrimHeap();

}  // namespace sentiric
