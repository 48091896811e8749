// SPDX-License-Identifier: AGPL-3.0-only
// Linux control groups of this process, versions 1 and 2. `root` stands before /proc, for tests.
#pragma once

#include <string>
#include <vector>

namespace sentiric {

// A line of /proc/self/cgroup: "hierarchy:controllers:group". Version 2 names no controllers.
struct Membership {
  std::string controllers;
  std::string group;
};

// The groups of this process; the root groups when the file is hidden, as a container may do.
std::vector<Membership> Memberships(const std::string& root);

// True when `controllers`, separated by commas, names this one.
bool HasController(const std::string& controllers, const std::string& name);

// "/a/b" -> "/a/b", "/a", "": a group and all groups above it.
std::vector<std::string> WithParents(std::string group);

}  // namespace sentiric
