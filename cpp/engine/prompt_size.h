// SPDX-License-Identifier: AGPL-3.0-only
// The size of a prompt before it is prepared, in bytes.
#pragma once

#include <cstddef>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Counts a fixed number of bytes for each message.
inline std::size_t SizeOf(const std::vector<Message>& messages) {
  constexpr std::size_t kMessageBytes = 256;
  std::size_t size = messages.size() * kMessageBytes;
  for (const Message& message : messages) size += message.content.size();
  return size;
}

inline std::size_t SizeOf(const std::vector<Token>& tokens) {
  return tokens.size() * sizeof(Token);
}

inline std::size_t SizeOf(const Prompt& prompt) {
  return SizeOf(prompt.messages) + prompt.text.size() + SizeOf(prompt.tokens);
}

}  // namespace sentiric
