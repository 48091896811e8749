// SPDX-License-Identifier: AGPL-3.0-only
#include "process/base64.h"

#include <cstdint>
#include <stdexcept>

namespace sentiric::process {
namespace {

// pydantic's alphabet: the one for URLs.
constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string FromBase64(const std::string& text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int num_bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const char* digit = std::char_traits<char>::find(kDigits, 64, c);
    if (digit == nullptr) throw std::invalid_argument("base64");
    bits = (bits << 6) | static_cast<std::uint32_t>(digit - kDigits);
    num_bits += 6;
    if (num_bits < 8) continue;
    num_bits -= 8;
    bytes += static_cast<char>((bits >> num_bits) & 0xff);
  }
  return bytes;
}

std::string Base64(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::string text;
  text.reserve((size + 2) / 3 * 4);
  for (std::size_t i = 0; i < size; i += 3) {
    std::uint32_t bits = static_cast<std::uint32_t>(bytes[i]) << 16;
    if (i + 1 < size) bits |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
    if (i + 2 < size) bits |= bytes[i + 2];
    text += kDigits[bits >> 18 & 63];
    text += kDigits[bits >> 12 & 63];
    text += i + 1 < size ? kDigits[bits >> 6 & 63] : '=';
    text += i + 2 < size ? kDigits[bits & 63] : '=';
  }
  return text;
}

}  // namespace sentiric::process
