// SPDX-License-Identifier: AGPL-3.0-only
// Splits a conversation into turns, to drop the oldest ones. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "sentiric/types.h"

namespace sentiric::backend {

bool IsSystemRole(const Message& message);  // system, developer

std::vector<Message> SystemMessages(const std::vector<Message>& messages);

// A turn is a user message with the assistant and tool messages after it. Messages before the first
// user message are a turn as well. System messages belong to no turn. A user message between a call
// and its result begins none, so that they stay together.
std::size_t CountTurns(const std::vector<Message>& messages);

// The messages without the oldest `count` turns. System messages stay.
std::vector<Message> DropTurns(const std::vector<Message>& messages, std::size_t count);

// The beginning that the conversation has in common with those that it may grow into while somebody
// speaks: up to the last word of the user or tool that said something last, as that word may go on;
// else up to where the content of the next user message begins. The result ends there: in the
// middle of its last message.
std::vector<Message> GrowingPart(const std::vector<Message>& messages);

}  // namespace sentiric::backend
