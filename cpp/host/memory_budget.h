// SPDX-License-Identifier: AGPL-3.0-only
// How much memory this process may still use, and which limit says so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sentiric {

// Bytes that one limit leaves.
struct MemoryBudget {
  std::string name;
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

// The machine's RAM and the limits of this process's control groups and their parents, tightest
// first. Empty when the system reports none. `root` is a prefix of /proc and /sys, for tests.
std::vector<MemoryBudget> MemoryBudgets(const std::string& root);

// How many processes the kernel has killed in this process's control group because memory ran out,
// or on the whole machine where the group does not count them; 0 when unknown.
std::uint64_t OutOfMemoryKills(const std::string& root);

// What the tightest limit leaves; 0 when unknown.
std::uint64_t FreeMemoryBytes();

}  // namespace sentiric
