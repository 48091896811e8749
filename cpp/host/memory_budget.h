// SPDX-License-Identifier: AGPL-3.0-only
// How much memory this process may still touch, and who says so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sentiric {

// Bytes that are still free under one bound.
struct MemoryBudget {
  std::string name;
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

// The machine's RAM, and the limits of this process's control groups and all groups above them,
// the tightest first. Empty when the system does not say. `root` stands before /proc and /sys, for
// tests.
std::vector<MemoryBudget> MemoryBudgets(const std::string& root);

// What the tightest bound leaves; 0 when unknown.
std::uint64_t FreeMemoryBytes();

}  // namespace sentiric
