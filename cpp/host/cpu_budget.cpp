// SPDX-License-Identifier: AGPL-3.0-only
#include "host/cpu_budget.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

#include "host/control_groups.h"

namespace sentiric {
namespace {

std::int32_t NumAllowedByAffinity() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<std::int32_t>(std::thread::hardware_concurrency());
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string QuotaV1(const std::string& folder) {
  return FirstLine(folder + "/cpu.cfs_quota_us") + " " + FirstLine(folder + "/cpu.cfs_period_us");
}

// Keeps the smallest limit that is set.
void Tighten(std::int32_t* limit, std::int32_t cpus) {
  if (cpus > 0) *limit = *limit > 0 ? std::min(*limit, cpus) : cpus;
}

}  // namespace

std::int32_t CpusOfQuota(std::string_view cpu_max) {
  std::istringstream text{std::string(cpu_max)};
  double quota = 0;
  double period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return std::max(1, static_cast<std::int32_t>((quota + period - 1) / period));
}

std::int32_t NumCpusOfGroups(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  std::int32_t limit = 0;
  for (const auto& [controllers, path] : Memberships(root)) {
    for (const std::string& group : WithParents(path)) {
      if (controllers.empty()) {
        Tighten(&limit, CpusOfQuota(FirstLine(mounts + group + "/cpu.max")));
      } else if (HasController(controllers, "cpu")) {
        Tighten(&limit, CpusOfQuota(QuotaV1(mounts + "/cpu" + group)));
        Tighten(&limit, CpusOfQuota(QuotaV1(mounts + "/cpu,cpuacct" + group)));
      }
    }
  }
  return limit;
}

std::int32_t NumUsableCpus() {
  const std::int32_t affinity = std::max(1, NumAllowedByAffinity());
  const std::int32_t quota = NumCpusOfGroups("");
  return quota > 0 ? std::min(affinity, quota) : affinity;
}

}  // namespace sentiric
