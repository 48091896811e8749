// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/proto_scan.h"

#include <cstddef>
#include <optional>

namespace sentiric {
namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroup = 3, kGroupEnd = 4, kFixed32 = 5 };

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool is_empty() const { return rest_.empty(); }

  // False at a fault.
  bool SkipField() {
    const auto tag = Varint();
    if (!tag) return false;
    switch (*tag & 7) {
      case kVarint: return Varint().has_value();
      case kFixed64: return Skip(8);
      case kFixed32: return Skip(4);
      case kBytes: {
        const auto size = Varint();
        return size && Skip(*size);
      }
      // Fields inside of a group count like fields outside.
      case kGroup:
      case kGroupEnd: return true;
      default: return false;
    }
  }

 private:
  std::optional<std::uint64_t> Varint() {
    constexpr std::size_t kMostBytes = 10;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kMostBytes && i < rest_.size(); ++i) {
      const auto byte = static_cast<unsigned char>(rest_[i]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
      if (byte < 0x80) {
        rest_.remove_prefix(i + 1);
        return value;
      }
    }
    return std::nullopt;
  }

  bool Skip(std::uint64_t size) {
    if (size > rest_.size()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(size));
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::int64_t CountProtoFields(std::string_view message, std::int64_t most) {
  Reader reader(message);
  std::int64_t count = 0;
  while (!reader.is_empty() && count <= most) {
    ++count;
    if (!reader.SkipField()) break;
  }
  return count;
}

}  // namespace sentiric
