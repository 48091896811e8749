// SPDX-License-Identifier: AGPL-3.0-only
#include "host/named_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "core/text/utf8.h"

namespace sentiric {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = std::size_t{1} << 20;

struct Range {
  char32_t first, last;
};

// Control and formatting characters, and those that readers or file systems take for ".", "/" or
// "\".
constexpr std::array<Range, 18> kRefused = {{
    {0x00, 0x1F},
    {'/', '/'},
    {'\\', '\\'},
    {0x7F, 0x9F},
    {0xAD, 0xAD},
    {0x200B, 0x200F},
    {0x2024, 0x202E},
    {0x2044, 0x2044},
    {0x2060, 0x206F},
    {0x2215, 0x2216},
    {0x29F5, 0x29F9},
    {0xFE52, 0xFE52},
    {0xFE68, 0xFE68},
    {0xFEFF, 0xFEFF},
    {0xFF0E, 0xFF0F},
    {0xFF3C, 0xFF3C},
    {0xFFF0, 0xFFFF},
    {0xE0000, 0x10FFFF},
}};

// The character of `length` bytes at the beginning of well-formed UTF-8.
char32_t CharacterOf(std::string_view text, std::size_t length) {
  const auto first = static_cast<unsigned char>(text[0]);
  char32_t value = length == 1 ? first : first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  return value;
}

bool IsRefused(char32_t character) {
  for (const Range& range : kRefused) {
    if (character >= range.first && character <= range.last) return true;
  }
  return false;
}

bool IsRegular(int folder, const std::string& name, bool* is_link) {
  struct stat found;
  if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return false;
  *is_link = S_ISLNK(found.st_mode);
  return S_ISREG(found.st_mode);
}

// Never opens a pipe or a device; what replaced the file between the two checks is closed again.
int OpenRegular(int folder, const std::string& name, bool* is_link) {
  if (!IsRegular(folder, name, is_link)) return -1;
  const int fd =
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  struct stat found;
  if (fd < 0 || (::fstat(fd, &found) == 0 && S_ISREG(found.st_mode))) return fd;
  ::close(fd);
  return -1;
}

// The target of a link in the folder; empty when it is outside.
std::string TargetInside(const std::string& folder, const std::string& name) {
  std::error_code failed;
  const fs::path home = fs::canonical(folder, failed);
  if (failed) return {};
  const fs::path target = fs::canonical(home / name, failed);
  if (failed) return {};
  const fs::path inside = target.lexically_relative(home);
  return inside.empty() || *inside.begin() == ".." ? std::string() : inside.string();
}

}  // namespace

bool IsFileName(std::string_view name) {
  if (name.empty() || name.size() > kMaxFileName || name[0] == '.') return false;
  for (std::size_t at = 0; at < name.size();) {
    const utf8::Prefix prefix = utf8::Classify(name.substr(at));
    if (prefix.kind != utf8::Kind::kCharacter) return false;
    if (IsRefused(CharacterOf(name.substr(at), prefix.length))) return false;
    at += prefix.length;
  }
  return true;
}

NamedFile::NamedFile(const std::string& folder, std::string_view name, std::string_view extension) {
  if (folder.empty() || !IsFileName(name)) return;
  const std::string leaf = std::string(name) + std::string(extension);
  const int home = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (home < 0) return;
  bool is_link = false;
  fd_ = OpenRegular(home, leaf, &is_link);
  const std::string target = is_link ? TargetInside(folder, leaf) : std::string();
  if (!target.empty()) fd_ = OpenRegular(home, target, &is_link);
  ::close(home);
}

NamedFile::~NamedFile() {
  if (fd_ >= 0) ::close(fd_);
}

NamedFile::NamedFile(NamedFile&& other) noexcept : fd_(other.Release()) {}

int NamedFile::Release() { return std::exchange(fd_, -1); }

bool NamedFile::ReadThrough() const {
  std::vector<char> block(kBlock);
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd_, block.data(), block.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    at += got;
  }
}

Result<NamedFile> OpenAdapterFile(const std::string& folder, const std::string& name) {
  for (const char* extension : {".gguf", ".bin"}) {
    NamedFile file(folder, name, extension);
    if (file.is_open()) return file;
  }
  return Error{ErrorCode::kModelNotFound, "lora_adapter",
               folder.empty() ? "no such adapter; LORA_DIR is not set"
                              : "no such adapter; allowed the names of the files in LORA_DIR "
                                "without .gguf"};
}

}  // namespace sentiric
