// SPDX-License-Identifier: AGPL-3.0-only
// Files that nobody but this user may read, whole or not there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sentiric/error.h"

namespace sentiric {

// Makes the folder with mode 0700, its parents too. An error when it is not this user's own or
// others may look into it.
Status EnsurePrivateFolder(const std::string& path);

// Mode 0600, under a temporary name that ends in ".tmp" until all of it is there. Not synced: who
// reads it must recognise a file that a power failure cut. Any thread.
Status WritePrivateFile(const std::string& path, const std::vector<std::string_view>& parts);

// An open regular file of this user; never a link to another one.
class PrivateFile {
 public:
  explicit PrivateFile(const std::string& path);
  ~PrivateFile();
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  std::uint64_t size() const { return size_; }
  // Fills `into` from `offset`; false when the file ends before or cannot be read.
  bool Read(std::uint64_t offset, std::vector<std::uint8_t>* into) const;

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace sentiric
