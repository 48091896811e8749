// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sentiric {

// CPUs that this process may use: those of its affinity mask, limited by the container's quota; at
// least 1. Inside a container the host's core count would be misleading.
std::int32_t NumUsableCpus();

// CPUs granted by the control groups of this process and their parents: cgroup v2 cpu.max, v1 cfs
// quota. 0 when none sets a limit. `root` is a prefix of /proc and /sys, for tests.
std::int32_t NumCpusOfGroups(const std::string& root);

// CPUs granted by the text of a cgroup v2 cpu.max file ("200000 100000" -> 2, rounded up);
// 0 when it sets no limit or is malformed.
std::int32_t CpusOfQuota(std::string_view cpu_max);

}  // namespace sentiric
