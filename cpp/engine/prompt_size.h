// SPDX-License-Identifier: AGPL-3.0-only
// The size of a prompt before it is prepared, in bytes.
#pragma once

#include <cstddef>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

inline constexpr std::size_t kEntryBytes = 256;  // of each message, call and tool

inline std::size_t SizeOf(const Message& message) {
  std::size_t size = kEntryBytes + message.content.size() + message.reasoning.size();
  for (const ToolCall& call : message.tool_calls) size += kEntryBytes + call.arguments.size();
  return size;
}

inline std::size_t SizeOf(const Tool& tool) {
  return kEntryBytes + tool.description.size() + tool.parameters.size();
}

template <typename Entry>
std::size_t SizeOf(const std::vector<Entry>& entries) {
  std::size_t size = 0;
  for (const Entry& entry : entries) size += SizeOf(entry);
  return size;
}

inline std::size_t SizeOf(const std::vector<Token>& tokens) {
  return tokens.size() * sizeof(Token);
}

inline std::size_t SizeOf(const Prompt& prompt) {
  return SizeOf(prompt.messages) + SizeOf(prompt.tools) + prompt.template_arguments.size() +
         prompt.text.size() + SizeOf(prompt.tokens);
}

}  // namespace sentiric
