// SPDX-License-Identifier: AGPL-3.0-only
#include "host/shared_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

namespace sentiric {

SharedMemory::SharedMemory(int fd, std::size_t size, bool is_writable) {
  struct stat file{};
  // Touching a page behind the end of the file would be a bus error.
  if (fstat(fd, &file) != 0 || static_cast<std::size_t>(file.st_size) < size) return;
  const int access = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* mapped = mmap(nullptr, size, access, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return;
  data_ = mapped;
  size_ = size;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace sentiric
