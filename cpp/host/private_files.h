// SPDX-License-Identifier: AGPL-3.0-only
// Files that only this user may read, and that are either complete or absent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sentiric/error.h"

namespace sentiric {

// Creates the folder and its parents with mode 0700. An error when it belongs to another user or
// others may access it.
Status EnsurePrivateFolder(const std::string& path);

// Writes with mode 0600, under a temporary name that ends in ".tmp" until the file is complete. Not
// synced: readers must recognise a file that was cut by a power failure. Any thread.
Status WritePrivateFile(const std::string& path, const std::vector<std::string_view>& parts);

// An open regular file of this user; never a link.
class PrivateFile {
 public:
  explicit PrivateFile(const std::string& path);
  ~PrivateFile();
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  std::uint64_t size() const { return size_; }
  // Fills `into` from `offset`; false when the file is too short or cannot be read.
  bool Read(std::uint64_t offset, std::vector<std::uint8_t>* into) const;

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace sentiric
