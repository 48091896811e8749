// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cpu_budget.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace sentiric {
namespace {

std::int32_t NumAllowedByAffinity() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<std::int32_t>(std::thread::hardware_concurrency());
}

std::string FirstLine(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::int32_t NumAllowedByQuota() {
  if (const std::int32_t cpus = CpusOfQuota(FirstLine("/sys/fs/cgroup/cpu.max"))) return cpus;
  return CpusOfQuota(FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + " " +
                     FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
}

}  // namespace

std::int32_t CpusOfQuota(std::string_view cpu_max) {
  std::istringstream text{std::string(cpu_max)};
  double quota = 0;
  double period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return std::max(1, static_cast<std::int32_t>((quota + period - 1) / period));
}

std::int32_t NumUsableCpus() {
  const std::int32_t affinity = std::max(1, NumAllowedByAffinity());
  const std::int32_t quota = NumAllowedByQuota();
  return quota > 0 ? std::min(affinity, quota) : affinity;
}

}  // namespace sentiric
