// SPDX-License-Identifier: AGPL-3.0-only
#include "core/memory_budget.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace sentiric {
namespace {

// nullopt for a file that is not there or says "max".
std::optional<std::uint64_t> Number(const char* path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

std::uint64_t AvailableOfMachine() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  std::uint64_t kib = 0;
  while (file >> name >> kib) {
    std::getline(file, unit);
    if (name == "MemAvailable:") return kib * 1024;
  }
  return 0;
}

std::uint64_t LeftInGroup(const char* limit_path, const char* used_path) {
  const auto limit = Number(limit_path), used = Number(used_path);
  if (!limit || !used) return std::numeric_limits<std::uint64_t>::max();
  return *limit > *used ? *limit - *used : 0;
}

}  // namespace

std::uint64_t FreeMemoryBytes() {
  return std::min({AvailableOfMachine(),
                   LeftInGroup("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
                   LeftInGroup("/sys/fs/cgroup/memory/memory.limit_in_bytes",
                               "/sys/fs/cgroup/memory/memory.usage_in_bytes")});
}

}  // namespace sentiric
