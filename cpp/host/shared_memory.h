// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>

namespace sentiric {

// A file that is mapped and shared with other processes, such as a memfd. Unmaps in the destructor.
class SharedMemory {
 public:
  // Maps the first `size` bytes of the file, which is at least that long. `fd` may be closed later.
  SharedMemory(int fd, std::size_t size, bool is_writable);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  void* data() const { return data_; }  // null when it could not be mapped
  std::size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sentiric
