// SPDX-License-Identifier: AGPL-3.0-only
// Messages on a stream socket: a header of two little-endian 32-bit numbers, length and kind, and
// so many bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/sync/mutex.h"

namespace sentiric::process {

// Lets a reader treat a long answer unlike a step before it parses either.
enum class FrameKind : std::uint32_t { kCommand = 0, kStep = 1, kOther = 2 };

inline constexpr std::uint32_t kMaxFrame = 1u << 28;  // bytes; far above what callers may send

// Reads from a descriptor, which it does not own. For one thread.
class FrameReader {
 public:
  explicit FrameReader(int fd) : fd_(fd) {}
  // The bytes of the next frame, valid until the next call. nullopt at the end of the stream, after
  // an error, and for a frame that is too long.
  std::optional<std::string_view> Next();

 private:
  bool FillTo(std::size_t size);

  const int fd_;
  std::string buffer_;
  std::size_t taken_ = 0;  // bytes of the buffer that were returned
};

// Writes to a descriptor, which it does not own. Thread-safe; blocks while the reader is slow.
class FrameWriter {
 public:
  explicit FrameWriter(int fd) : fd_(fd) {}
  // False when the other end is gone.
  bool Write(FrameKind kind, std::string_view bytes);

 private:
  const int fd_;
  Mutex mutex_;
};

}  // namespace sentiric::process
