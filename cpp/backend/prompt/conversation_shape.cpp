// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/conversation_shape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "backend/prompt/conversation.h"
#include "backend/prompt/json_object.h"
#include "backend/template/json_writer.h"

namespace sentiric::backend {
namespace {

constexpr const char* kSeparator = "\n\n";
constexpr std::size_t kShortId = 9;

void JoinInto(std::string* text, const std::string& more) {
  if (!text->empty() && !more.empty()) *text += kSeparator;
  *text += more;
}

// System text goes in front of the next user message; without one it becomes a user message.
std::vector<Message> FoldSystem(std::vector<Message> messages) {
  std::vector<Message> folded;
  std::string pending;
  for (Message& message : messages) {
    if (IsSystemRole(message)) {
      JoinInto(&pending, message.content);
      continue;
    }
    if (message.role == "user" && !pending.empty()) {
      JoinInto(&pending, message.content);
      message.content = std::exchange(pending, {});
    }
    folded.push_back(std::move(message));
  }
  if (!pending.empty()) folded.push_back({"user", pending});
  return folded;
}

// Results stay apart: each answers a call of its own.
bool MayJoin(const Message& one, const Message& next) {
  const bool has_calls = !one.tool_calls.empty() || !next.tool_calls.empty();
  return one.role == next.role && one.role != "tool" && !has_calls;
}

std::vector<Message> JoinAdjacent(std::vector<Message> messages) {
  std::vector<Message> joined;
  for (Message& message : messages) {
    if (!joined.empty() && MayJoin(joined.back(), message)) {
      JoinInto(&joined.back().content, message.content);
      JoinInto(&joined.back().reasoning, message.reasoning);
    } else {
      joined.push_back(std::move(message));
    }
  }
  return joined;
}

// Gives calls and their results the ids and names that they lack. A result without an id answers
// the first call of the message before it that has no result yet.
class CallLinker {
 public:
  void Link(Message* message) {
    if (message->role == "tool") return LinkResult(message);
    open_.clear();
    for (ToolCall& call : message->tool_calls) {
      if (call.id.empty()) call.id = "call_" + std::to_string(++num_made_);
      open_.push_back(call);
    }
  }

 private:
  void LinkResult(Message* result) {
    const auto answers = [&](const ToolCall& call) {
      return result->tool_call_id.empty() || call.id == result->tool_call_id;
    };
    const auto call = std::find_if(open_.begin(), open_.end(), answers);
    if (call == open_.end()) return;
    result->tool_call_id = call->id;
    if (result->name.empty()) result->name = call->name;
    open_.erase(call);
  }

  std::vector<ToolCall> open_;
  std::size_t num_made_ = 0;
};

void CallsToText(Message* message) {
  for (const ToolCall& call : message->tool_calls) {
    if (!message->content.empty()) message->content += '\n';
    message->content += CallText(call);
  }
  message->tool_calls.clear();
}

void ShortenIds(Message* message) {
  for (ToolCall& call : message->tool_calls) call.id = ShortId(call.id);
  if (!message->tool_call_id.empty()) message->tool_call_id = ShortId(message->tool_call_id);
}

void ResultsToUser(const TemplateShape& shape, std::vector<Message>* messages) {
  bool has_call = false;
  for (Message& message : *messages) {
    if (message.role != "tool") {
      has_call = !message.tool_calls.empty();
    } else if (has_call ? shape.result_as_user : shape.orphan_as_user) {
      message.role = "user";
      message.tool_call_id.clear();
      message.name.clear();
    }
  }
}

// Appends the results among `results` that answer the call, and marks them as taken.
void TakeResults(const ToolCall& call, std::vector<Message>* results, std::vector<Message>* out) {
  for (Message& result : *results) {
    if (result.role.empty() || result.tool_call_id != call.id) continue;
    out->push_back(std::exchange(result, {}));
  }
}

// Each call in a message of its own, with its results behind it. What is said goes with the first.
std::vector<Message> SplitCalls(std::vector<Message> messages) {
  std::vector<Message> split;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].tool_calls.size() < 2) {
      split.push_back(std::move(messages[i]));
      continue;
    }
    std::vector<Message> results;
    Message message = std::move(messages[i]);
    while (i + 1 < messages.size() && messages[i + 1].role == "tool") {
      results.push_back(std::move(messages[++i]));
    }
    for (ToolCall& call : std::exchange(message.tool_calls, {})) {
      message.tool_calls = {call};
      split.push_back(std::exchange(message, {"assistant", ""}));
      TakeResults(call, &results, &split);
    }
    for (Message& rest : results) {
      if (!rest.role.empty()) split.push_back(std::move(rest));
    }
  }
  return split;
}

std::vector<Message> SetContentApart(std::vector<Message> messages) {
  std::vector<Message> apart;
  for (Message& message : messages) {
    if (!message.tool_calls.empty() && !message.content.empty()) {
      apart.push_back({"assistant", std::exchange(message.content, {})});
    }
    apart.push_back(std::move(message));
  }
  return apart;
}

void PutUserFirst(std::vector<Message>* messages) {
  const auto first = std::find_if(messages->begin(), messages->end(),
                                  [](const Message& message) { return !IsSystemRole(message); });
  if (first != messages->end() && first->role != "user") messages->insert(first, {"user", "\n"});
}

}  // namespace

std::string CallText(const ToolCall& call) {
  std::string text = R"({"name": )";
  AppendJsonString(call.name, /*all_ascii=*/false, &text);
  text += R"(, "arguments": )";
  if (call.arguments.empty()) {
    text += "{}";
  } else if (ParseJsonObject(call.arguments).ok()) {
    text += call.arguments;
  } else {
    AppendJsonString(call.arguments, /*all_ascii=*/false, &text);
  }
  return text + "}";
}

std::string ShortId(const std::string& id) {
  constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const bool is_short =
      id.size() == kShortId &&
      id.find_first_not_of(kLetters.data(), 0, kLetters.size()) == std::string::npos;
  if (is_short) return id;
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::string made;
  for (std::size_t i = 0; i < kShortId; ++i, hash /= kLetters.size()) {
    made += kLetters[hash % kLetters.size()];
  }
  return made;
}

std::vector<Message> Shaped(const std::vector<Message>& messages, const TemplateShape& shape) {
  std::vector<Message> shaped = messages;
  CallLinker linker;
  for (Message& message : shaped) {
    if (message.role == "developer") message.role = "system";
    linker.Link(&message);
    if (shape.calls_as_text) CallsToText(&message);
    if (shape.short_ids) ShortenIds(&message);
  }
  ResultsToUser(shape, &shaped);
  if (shape.content_apart) shaped = SetContentApart(std::move(shaped));
  if (shape.single_calls) shaped = SplitCalls(std::move(shaped));
  if (shape.fold_system) shaped = FoldSystem(std::move(shaped));
  if (shape.join_adjacent) shaped = JoinAdjacent(std::move(shaped));
  if (shape.user_first) PutUserFirst(&shaped);
  return shaped;
}

}  // namespace sentiric::backend
