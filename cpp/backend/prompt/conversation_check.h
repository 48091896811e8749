// SPDX-License-Identifier: AGPL-3.0-only
// What a conversation may hold, whatever the template.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sentiric/error.h"
#include "sentiric/types.h"

namespace sentiric::backend {

inline constexpr std::size_t kMaxMessages = 2048;
inline constexpr std::size_t kMaxTools = 256;
inline constexpr std::size_t kMaxToolCalls = 128;  // of one message
inline constexpr std::size_t kMaxAllCalls = 4096;  // of a conversation
inline constexpr std::size_t kMaxVariables = 64;   // in template_arguments
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxCallIdBytes = 1024;
inline constexpr std::size_t kMaxContentBytes = std::size_t{2} << 20;  // all texts together
inline constexpr std::size_t kMaxTemplateArgumentsBytes = std::size_t{64} << 10;
inline constexpr std::int32_t kMaxTemplateArgumentsDepth = 8;

// The first error: kInvalidArgument at the field, such as "messages[2].tool_calls[0].id". Looks at
// counts, sizes, roles, UTF-8 and JSON, at which messages may have calls, and whether a
// conversation that continues ends with the assistant. The arguments of a call may be any text,
// because a model wrote them. No error holds text of the conversation.
Status CheckConversation(const Prompt& prompt);

}  // namespace sentiric::backend
