// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/conversation.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace sentiric::backend {
namespace {

// For each message whether a turn may begin with it: not between a call and its result.
std::vector<bool> MayBegin(const std::vector<Message>& messages) {
  std::vector<bool> may(messages.size(), true);
  std::map<std::string_view, std::size_t> called;  // by id: the newest message with this call
  for (std::size_t i = 0; i < messages.size(); ++i) {
    for (const ToolCall& call : messages[i].tool_calls) called[call.id] = i;
    if (messages[i].role != "tool") continue;
    const auto call = called.find(messages[i].tool_call_id);
    if (call == called.end()) continue;
    for (std::size_t j = i; j > call->second && may[j]; --j) may[j] = false;
  }
  return may;
}

// The turn of each message, from 1; 0 of system messages.
std::vector<std::size_t> TurnsOf(const std::vector<Message>& messages) {
  const std::vector<bool> may_begin = MayBegin(messages);
  std::vector<std::size_t> turns(messages.size(), 0);
  std::size_t turn = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (IsSystemRole(messages[i])) continue;
    if (turn == 0 || (messages[i].role == "user" && may_begin[i])) ++turn;
    turns[i] = turn;
  }
  return turns;
}

// The text up to the last word behind which there is a space, which tokenizers take as the
// beginning of what follows. A line end can become one token with the word before it.
std::string WithoutLastWord(const std::string& text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f", kBlank = " \t";
  for (std::size_t i = text.size(); i-- > 1;) {
    const bool is_behind_word = kSpace.find(text[i - 1]) == std::string_view::npos;
    if (is_behind_word && kBlank.find(text[i]) != std::string_view::npos) return text.substr(0, i);
  }
  return {};
}

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
  std::size_t count = 0;
  for (const std::size_t turn : TurnsOf(messages)) count = std::max(count, turn);
  return count;
}

std::vector<Message> DropTurns(const std::vector<Message>& messages, std::size_t count) {
  const std::vector<std::size_t> turns = TurnsOf(messages);
  std::vector<Message> kept;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (turns[i] == 0 || turns[i] > count) kept.push_back(messages[i]);
  }
  return kept;
}

std::vector<Message> GrowingPart(const std::vector<Message>& messages) {
  std::vector<Message> part = messages;
  if (part.empty() || (part.back().role != "user" && part.back().role != "tool")) {
    part.push_back({"user", ""});
  }
  part.back().content = WithoutLastWord(part.back().content);
  return part;
}

}  // namespace sentiric::backend
