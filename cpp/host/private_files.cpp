// SPDX-License-Identifier: AGPL-3.0-only
#include "host/private_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace sentiric {
namespace {

Error Failed(const std::string& what, const std::string& path, int code) {
  return {ErrorCode::kInternal, "disk_cache", what + " " + path + ": " + std::strerror(code)};
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Status EnsurePrivateFolder(const std::string& path) {
  std::filesystem::path folder;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    folder /= part;
    std::error_code unknown;
    if (std::filesystem::is_directory(folder, unknown)) continue;
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      return Failed("cannot create", folder.string(), errno);
    }
  }
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0) return Failed("cannot stat", path, errno);
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 077) != 0) {
    return Error{ErrorCode::kInternal, "disk_cache",
                 path + " must be a folder owned by this user with mode 0700"};
  }
  return std::nullopt;
}

Status WritePrivateFile(const std::string& path, const std::vector<std::string_view>& parts) {
  const std::string scratch = path + "." + std::to_string(::getpid()) + ".tmp";
  ::unlink(scratch.c_str());
  const int fd =
      ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("cannot write", scratch, errno);
  bool is_whole = true;
  for (const std::string_view part : parts) is_whole = is_whole && WriteAll(fd, part);
  int code = is_whole ? 0 : errno;
  if (::close(fd) != 0 && is_whole) code = errno;
  if (code == 0 && ::rename(scratch.c_str(), path.c_str()) == 0) return std::nullopt;
  if (code == 0) code = errno;
  ::unlink(scratch.c_str());
  return Failed("cannot write", path, code);
}

PrivateFile::PrivateFile(const std::string& path)
    : fd_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
  struct stat found;
  if (fd_ < 0) return;
  if (::fstat(fd_, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::geteuid()) {
    size_ = static_cast<std::uint64_t>(found.st_size);
    return;
  }
  ::close(std::exchange(fd_, -1));
}

PrivateFile::~PrivateFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool PrivateFile::Read(std::uint64_t offset, std::vector<std::uint8_t>* into) const {
  for (std::size_t at = 0; at < into->size();) {
    const ssize_t got =
        ::pread(fd_, into->data() + at, into->size() - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace sentiric
