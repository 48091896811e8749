// SPDX-License-Identifier: AGPL-3.0-only
#include "host/memory_budget.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "host/control_groups.h"

namespace sentiric {
namespace {

// Control groups report numbers of this order when there is no limit.
constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 60;

// The files of one version of control groups.
struct GroupFiles {
  std::string limit;
  std::string usage;
  std::string cache;  // a key of memory.stat
};

// nullopt for a file that does not exist or says "max".
std::optional<std::uint64_t> Number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

// The number after `name` at the start of a line.
std::optional<std::uint64_t> NumberOf(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t value = 0;
    if (words >> key && key == name && words >> value) return value;
  }
  return std::nullopt;
}

void AddRam(const std::string& root, std::vector<MemoryBudget>* budgets) {
  const std::string path = root + "/proc/meminfo";
  const auto free = NumberOf(path, "MemAvailable:");
  const auto total = NumberOf(path, "MemTotal:");
  if (free && total) budgets->push_back({"RAM", *free * 1024, *total * 1024});
}

void AddGroup(const std::string& mount, const std::string& group, const GroupFiles& files,
              std::vector<MemoryBudget>* budgets) {
  const std::string folder = mount + group + "/";
  const auto total = Number(folder + files.limit);
  if (!total || *total >= kUnlimited) return;
  const std::uint64_t usage = Number(folder + files.usage).value_or(0);
  // The kernel drops a group's cached files before it kills one of its processes.
  const std::uint64_t cache = NumberOf(folder + "memory.stat", files.cache).value_or(0);
  const std::uint64_t used = usage - std::min(usage, cache);
  const std::string name = "cgroup limit " + files.limit + " of " + (group.empty() ? "/" : group);
  budgets->push_back({name, *total - std::min(*total, used), *total});
}

}  // namespace

std::vector<MemoryBudget> MemoryBudgets(const std::string& root) {
  const GroupFiles v1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
  const GroupFiles v2{"memory.max", "memory.current", "inactive_file"};
  const std::string mount = root + "/sys/fs/cgroup";
  std::vector<MemoryBudget> budgets;
  AddRam(root, &budgets);
  for (const auto& [controllers, path] : Memberships(root)) {
    const bool is_v2 = controllers.empty();
    if (!is_v2 && !HasController(controllers, "memory")) continue;
    for (const std::string& group : WithParents(path)) {
      AddGroup(is_v2 ? mount : mount + "/memory", group, is_v2 ? v2 : v1, &budgets);
    }
  }
  const auto is_tighter = [](const auto& a, const auto& b) { return a.free < b.free; };
  std::stable_sort(budgets.begin(), budgets.end(), is_tighter);
  return budgets;
}

std::uint64_t OutOfMemoryKills(const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  for (const auto& [controllers, group] : Memberships(root)) {
    const bool is_v2 = controllers.empty();
    if (!is_v2 && !HasController(controllers, "memory")) continue;
    const std::string file = is_v2 ? mount + group + "/memory.events"
                                   : mount + "/memory" + group + "/memory.oom_control";
    if (const auto kills = NumberOf(file, "oom_kill")) return *kills;
  }
  return NumberOf(root + "/proc/vmstat", "oom_kill").value_or(0);
}

std::uint64_t FreeMemoryBytes() {
  const auto budgets = MemoryBudgets("");
  return budgets.empty() ? 0 : budgets.front().free;
}

}  // namespace sentiric
