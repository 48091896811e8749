// SPDX-License-Identifier: AGPL-3.0-only
// Files that a caller names: the name is checked before anything is opened.
#pragma once

#include <string>
#include <string_view>

#include "sentiric/error.h"

namespace sentiric {

inline constexpr std::size_t kMaxFileName = 128;  // bytes

// Whether this is the plain name of a file in a folder: 1..128 bytes of UTF-8 without a leading
// dot, separators, characters that look like a dot or a separator, and control or other invisible
// characters. Every name from a caller that becomes a part of a path must pass here.
bool IsFileName(std::string_view name);

// An open regular file; closed on destruction.
class NamedFile {
 public:
  // Opens `name` + `extension` in the folder; `name` comes from a caller. Not open if there is no
  // such file, if it is not a regular file, or if a link leads out of the folder. Never waits for a
  // pipe.
  NamedFile(const std::string& folder, std::string_view name, std::string_view extension);
  ~NamedFile();
  NamedFile(NamedFile&& other) noexcept;
  NamedFile(const NamedFile&) = delete;
  NamedFile& operator=(const NamedFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  int Release();  // the caller must close it
  // Reads the file to its end, so that it is in the page cache; false when that fails.
  bool ReadThrough() const;

 private:
  int fd_ = -1;
};

// Opens `NAME.gguf` of the folder, else `NAME.bin`, else kModelNotFound.
Result<NamedFile> OpenAdapterFile(const std::string& folder, const std::string& name);

}  // namespace sentiric
