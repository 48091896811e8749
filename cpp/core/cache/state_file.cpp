// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/state_file.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/cache/xxh64.h"

namespace sentiric {
namespace {

constexpr char kMagic[] = "SENTKV\r\n";  // only its first 8 bytes
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kFixed = 48, kChecksum = 8;
constexpr std::uint64_t kMaxHead = 1 << 28;

void Append(Bytes* to, std::uint64_t number, int size) {
  for (int i = 0; i < size; ++i) to->push_back(static_cast<std::uint8_t>(number >> 8 * i));
}

void Append(Bytes* to, const std::string& text) { to->insert(to->end(), text.begin(), text.end()); }

std::uint64_t NumberAt(const Bytes& bytes, std::size_t at, int size) {
  std::uint64_t number = 0;
  for (int i = 0; i < size; ++i) {
    number |= std::uint64_t{bytes[at + static_cast<std::size_t>(i)]} << 8 * i;
  }
  return number;
}

std::string TextAt(const Bytes& bytes, std::size_t at, std::size_t size) {
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

void AppendKey(const StateHead& head, Bytes* to) {
  Append(to, head.fingerprint.size(), 4);
  Append(to, head.scope.size(), 4);
  Append(to, head.tokens.size(), 4);
  Append(to, 0, 4);
  Append(to, head.fingerprint);
  Append(to, head.scope);
  for (const Token token : head.tokens) Append(to, static_cast<std::uint32_t>(token), 4);
}

}  // namespace

Bytes EncodeStateHead(const StateHead& head) {
  const std::size_t size =
      kFixed + head.fingerprint.size() + head.scope.size() + 4 * head.tokens.size() + kChecksum;
  Bytes bytes(kMagic, kMagic + 8);
  bytes.reserve(size);
  Append(&bytes, kVersion, 4);
  Append(&bytes, size, 4);
  Append(&bytes, head.state_size, 8);
  Append(&bytes, head.state_checksum, 8);
  AppendKey(head, &bytes);
  Append(&bytes, Xxh64(bytes.data(), bytes.size()), 8);
  return bytes;
}

std::uint64_t StateHeadSize(const Bytes& start, std::uint64_t file_size) {
  if (start.size() < kStateFileStart || !std::equal(kMagic, kMagic + 8, start.begin())) return 0;
  if (NumberAt(start, 8, 4) != kVersion) return 0;
  const std::uint64_t size = NumberAt(start, 12, 4);
  return size < kFixed + kChecksum || size > std::min(file_size, kMaxHead) ? 0 : size;
}

std::optional<StateHead> DecodeStateHead(const Bytes& bytes, std::uint64_t file_size) {
  if (StateHeadSize(bytes, file_size) != bytes.size()) return std::nullopt;
  const std::size_t end = bytes.size() - kChecksum;
  if (NumberAt(bytes, end, 8) != Xxh64(bytes.data(), end)) return std::nullopt;
  StateHead head;
  head.state_size = NumberAt(bytes, 16, 8);
  head.state_checksum = NumberAt(bytes, 24, 8);
  if (head.state_size != file_size - bytes.size()) return std::nullopt;
  const std::size_t fingerprint = NumberAt(bytes, 32, 4), scope = NumberAt(bytes, 36, 4),
                    num_tokens = NumberAt(bytes, 40, 4);
  if (kFixed + fingerprint + scope + 4 * num_tokens != end) return std::nullopt;
  head.fingerprint = TextAt(bytes, kFixed, fingerprint);
  head.scope = TextAt(bytes, kFixed + fingerprint, scope);
  for (std::size_t at = kFixed + fingerprint + scope; at < end; at += 4) {
    head.tokens.push_back(static_cast<Token>(static_cast<std::uint32_t>(NumberAt(bytes, at, 4))));
  }
  return head;
}

bool IsStateOf(const StateHead& head, const Bytes& state) {
  return state.size() == head.state_size &&
         Xxh64(state.data(), state.size()) == head.state_checksum;
}

std::string StateFileName(const StateHead& head) {
  Bytes key;
  AppendKey(head, &key);
  char name[48];
  std::snprintf(name, sizeof name, "%016llx%016llx.kv",
                static_cast<unsigned long long>(Xxh64(key.data(), key.size(), 0)),
                static_cast<unsigned long long>(Xxh64(key.data(), key.size(), 1)));
  return name;
}

}  // namespace sentiric
