// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sentiric {

// CPUs this process may use: the affinity mask, cut by the container's quota, at least 1. The
// host's core count is no measure inside a container.
std::int32_t NumUsableCpus();

// CPUs granted by the control groups of this process and all groups above them: cgroup v2 cpu.max,
// v1 cfs quota. 0 when none sets a limit. `root` stands before /proc and /sys, for tests.
std::int32_t NumCpusOfGroups(const std::string& root);

// CPUs granted by the text of a cgroup v2 cpu.max file ("200000 100000" -> 2, rounded up);
// 0 when it sets no limit or is malformed.
std::int32_t CpusOfQuota(std::string_view cpu_max);

}  // namespace sentiric
