// SPDX-License-Identifier: AGPL-3.0-only
#include "process/frames.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sentiric::process {
namespace {

constexpr std::size_t kHeader = 8;
constexpr std::size_t kReadAtOnce = 64 * 1024;

std::uint32_t NumberAt(const char* bytes) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes, sizeof(number));  // both ends run on this machine
  return number;
}

}  // namespace

std::optional<std::string_view> FrameReader::Next() {
  buffer_.erase(0, taken_);
  taken_ = 0;
  if (!FillTo(kHeader)) return std::nullopt;
  const std::uint32_t length = NumberAt(buffer_.data());
  if (length > kMaxFrame || !FillTo(kHeader + length)) return std::nullopt;
  taken_ = kHeader + length;
  return std::string_view(buffer_).substr(kHeader, length);
}

bool FrameReader::FillTo(std::size_t size) {
  while (buffer_.size() < size) {
    const std::size_t had = buffer_.size();
    buffer_.resize(std::max(size, had + kReadAtOnce));
    const ssize_t got = read(fd_, buffer_.data() + had, buffer_.size() - had);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
  }
  return true;
}

bool FrameWriter::Write(FrameKind kind, std::string_view bytes) {
  const std::uint32_t header[] = {static_cast<std::uint32_t>(bytes.size()),
                                  static_cast<std::uint32_t>(kind)};
  std::string frame(reinterpret_cast<const char*>(header), sizeof(header));
  frame += bytes;
  const MutexLock lock(&mutex_);
  for (std::size_t sent = 0; sent < frame.size();) {
    const ssize_t n = send(fd_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace sentiric::process
