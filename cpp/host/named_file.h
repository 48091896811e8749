// SPDX-License-Identifier: AGPL-3.0-only
// Files that a caller names: the name is looked at before anything is opened.
#pragma once

#include <string>
#include <string_view>

#include "sentiric/error.h"

namespace sentiric {

inline constexpr std::size_t kMaxFileName = 128;  // bytes

// True for a plain name of a file in some folder: 1..128 bytes of UTF-8 that do not begin with a
// dot and hold neither separators, nor what looks like a dot or a separator, nor control and other
// invisible characters. Every name of a caller that becomes a part of a path passes here.
bool IsFileName(std::string_view name);

// An open regular file; closed on destruction.
class NamedFile {
 public:
  // The file `name` + `extension` of the folder; `name` is a caller's. Not open when there is none,
  // when it is no regular file, or a link that leads out of the folder. Never waits for a pipe.
  NamedFile(const std::string& folder, std::string_view name, std::string_view extension);
  ~NamedFile();
  NamedFile(NamedFile&& other) noexcept;
  NamedFile(const NamedFile&) = delete;
  NamedFile& operator=(const NamedFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  int Release();  // whoever takes it closes it
  // Reads it to the end, so that the next reader finds it in memory; false when it cannot be read.
  bool ReadThrough() const;

 private:
  int fd_ = -1;
};

// `NAME.gguf` of the folder, else `NAME.bin`. kModelNotFound.
Result<NamedFile> OpenAdapterFile(const std::string& folder, const std::string& name);

}  // namespace sentiric
