// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/conversation.h"

namespace sentiric::backend {
namespace {

// Numbers the turns: call TurnOf for each message, in order.
class TurnCounter {
 public:
  // Not called for system messages.
  std::size_t TurnOf(const Message& message) {
    if (message.role == "user" || num_turns_ == 0) ++num_turns_;
    return num_turns_ - 1;
  }
  std::size_t num_turns() const { return num_turns_; }

 private:
  std::size_t num_turns_ = 0;
};

}  // namespace

bool IsSystemRole(const Message& message) {
  return message.role == "system" || message.role == "developer";
}

std::vector<Message> SystemMessages(const std::vector<Message>& messages) {
  std::vector<Message> system;
  for (const Message& message : messages) {
    if (IsSystemRole(message)) system.push_back(message);
  }
  return system;
}

std::size_t CountTurns(const std::vector<Message>& messages) {
  TurnCounter counter;
  for (const Message& message : messages) {
    if (!IsSystemRole(message)) (void)counter.TurnOf(message);
  }
  return counter.num_turns();
}

std::vector<Message> DropTurns(const std::vector<Message>& messages, std::size_t count) {
  TurnCounter counter;
  std::vector<Message> kept;
  for (const Message& message : messages) {
    if (IsSystemRole(message) || counter.TurnOf(message) >= count) kept.push_back(message);
  }
  return kept;
}

}  // namespace sentiric::backend
