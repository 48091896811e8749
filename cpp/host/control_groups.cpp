// SPDX-License-Identifier: AGPL-3.0-only
#include "host/control_groups.h"

#include <fstream>

namespace sentiric {

std::vector<Membership> Memberships(const std::string& root) {
  std::vector<Membership> found;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    found.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  // A container may hide the file; its own group is then the root that it sees.
  if (found.empty()) found = {{"", "/"}, {"cpu,memory", "/"}};
  return found;
}

bool HasController(const std::string& controllers, const std::string& name) {
  return ("," + controllers + ",").find("," + name + ",") != std::string::npos;
}

std::vector<std::string> WithParents(std::string group) {
  std::vector<std::string> groups;
  while (group.size() > 1 && group[0] == '/') {
    groups.push_back(group);
    group.resize(group.rfind('/'));
  }
  groups.emplace_back();
  return groups;
}

}  // namespace sentiric
