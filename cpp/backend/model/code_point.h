// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sentiric::backend {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 1;  // bytes
};

// The character at `offset` of well-formed UTF-8.
inline CodePoint DecodeCodePoint(std::string_view text, std::size_t offset) {
  const auto first = static_cast<unsigned char>(text[offset]);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  std::uint32_t value = first & (0x7Fu >> length);
  for (std::size_t k = 1; k < length; ++k) {
    value = (value << 6) | (static_cast<unsigned char>(text[offset + k]) & 0x3Fu);
  }
  return {value, length};
}

// A set of Unicode characters, one bit each.
class CodePointSet {
 public:
  CodePointSet() : bits_(0x110000, false) {}
  void Insert(std::uint32_t value) { bits_[value] = true; }
  bool Contains(std::uint32_t value) const { return bits_[value]; }

 private:
  std::vector<bool> bits_;
};

}  // namespace sentiric::backend
