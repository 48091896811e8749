// SPDX-License-Identifier: AGPL-3.0-only
#include "memory_meter.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local bool counting = false;
thread_local std::ptrdiff_t now = 0;
thread_local std::ptrdiff_t highest = 0;

void* TryAllocate(std::size_t bytes) noexcept {
  void* const block = std::malloc(bytes == 0 ? 1 : bytes);
  if (counting && block != nullptr) {
    now += static_cast<std::ptrdiff_t>(malloc_usable_size(block));
    highest = std::max(highest, now);
  }
  return block;
}

[[maybe_unused]] void* Allocate(std::size_t bytes) {
  void* const block = TryAllocate(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

[[maybe_unused]] void Free(void* block) {
  if (counting && block != nullptr) now -= static_cast<std::ptrdiff_t>(malloc_usable_size(block));
  std::free(block);
}

}  // namespace

// AddressSanitizer checks its own operators better than it could check these; nothing is counted.
#ifndef __SANITIZE_ADDRESS__
void* operator new(std::size_t bytes) { return Allocate(bytes); }
void* operator new[](std::size_t bytes) { return Allocate(bytes); }
// All forms or none: what one allocates another frees.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return TryAllocate(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return TryAllocate(bytes);
}
void operator delete(void* block, const std::nothrow_t&) noexcept { Free(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { Free(block); }
void operator delete(void* block) noexcept { Free(block); }
void operator delete[](void* block) noexcept { Free(block); }
void operator delete(void* block, std::size_t) noexcept { Free(block); }
void operator delete[](void* block, std::size_t) noexcept { Free(block); }
#endif

namespace sentiric::backend::testing {

MemoryMeter::MemoryMeter() {
  now = 0;
  highest = 0;
  counting = true;
}
MemoryMeter::~MemoryMeter() { counting = false; }
std::ptrdiff_t MemoryMeter::bytes() const { return now; }
std::ptrdiff_t MemoryMeter::peak() const { return highest; }

}  // namespace sentiric::backend::testing
