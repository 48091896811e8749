// SPDX-License-Identifier: AGPL-3.0-only
// Linux control groups of this process, versions 1 and 2. `root` is a prefix of /proc, for tests.
#pragma once

#include <string>
#include <vector>

namespace sentiric {

// A line of /proc/self/cgroup: "hierarchy:controllers:group". Version 2 names no controllers.
struct Membership {
  std::string controllers;
  std::string group;
};

// The groups of this process; the root groups when a container hides the file.
std::vector<Membership> Memberships(const std::string& root);

// Whether the comma-separated list `controllers` contains `name`.
bool HasController(const std::string& controllers, const std::string& name);

// A group and all its parents: "/a/b" -> "/a/b", "/a", "".
std::vector<std::string> WithParents(std::string group);

}  // namespace sentiric
