// SPDX-License-Identifier: AGPL-3.0-only
// How much memory a thread holds. In this test program every allocation of C++ passes through here.
#pragma once

#include <cstddef>

namespace sentiric::backend::testing {

// Counts what the calling thread allocates and frees until the end of its life.
class MemoryMeter {
 public:
  MemoryMeter();
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  std::ptrdiff_t bytes() const;  // more than at the beginning
  std::ptrdiff_t peak() const;
};

}  // namespace sentiric::backend::testing
