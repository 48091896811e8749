// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/conversation_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "backend/prompt/jinja_conversation.h"
#include "backend/prompt/json_object.h"
#include "core/text/json_scan.h"
#include "core/text/utf8.h"

namespace sentiric::backend {
namespace {

Error Invalid(std::string where, std::string what) {
  return Error{ErrorCode::kInvalidArgument, std::move(where), std::move(what)};
}

bool IsRole(const std::string& role) {
  static constexpr std::array<const char*, 5> kRoles = {"system", "developer", "user", "assistant",
                                                        "tool"};
  return std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end();
}

// Keeps the first error, and counts the bytes of all texts.
class Checker {
 public:
  // False once there is an error.
  bool ok() const { return !status_; }

  void Text(const std::string& where, const std::string& text) {
    bytes_ += text.size();
    if (bytes_ > kMaxContentBytes) {
      return Fail(OutOfRange(
          "messages", "more than " + std::to_string(kMaxContentBytes) + " bytes",
          "at most " + std::to_string(kMaxContentBytes) + " bytes of text, tools included"));
    }
    const std::size_t invalid = utf8::FirstInvalid(text);
    if (invalid == std::string_view::npos) return;
    Fail(Invalid(where, "the text is not valid UTF-8 at byte " + std::to_string(invalid)));
  }

  // A text of low..high bytes.
  void Short(const std::string& where, const std::string& text, std::size_t low, std::size_t high) {
    if (text.size() < low || text.size() > high) {
      return Fail(OutOfRange(where, std::to_string(text.size()) + " bytes",
                             std::to_string(low) + ".." + std::to_string(high) + " bytes"));
    }
    Text(where, text);
  }

  void Count(const std::string& where, std::size_t size, std::size_t limit) {
    if (size <= limit) return;
    Fail(OutOfRange(where, std::to_string(size), "at most " + std::to_string(limit)));
  }

  // Empty, or a JSON object.
  void Object(const std::string& where, const std::string& json, std::int32_t max_depth) {
    Text(where, json);
    if (!ok() || json.empty()) return;
    CountItems(where, json);
    const auto parsed = ParseJsonObject(json, max_depth);
    if (!parsed.ok()) return Fail(Invalid(where, parsed.error().what));
    if (where == "template_arguments") CheckVariables(*parsed);
  }

  // Values and names in all JSON texts together: each becomes a value for the template.
  void CountItems(const std::string& where, const std::string& json) {
    JsonLimits limits;
    limits.depth = kMaxJsonDepth;
    limits.items = kMaxJsonItems;
    items_ += ScanJson(json, limits).items;
    if (items_ <= kMaxJsonItems) return;
    Fail(Invalid(where, "too many JSON values in the conversation; allowed " +
                            std::to_string(kMaxJsonItems)));
  }

  void CountCalls(const std::string& where, std::size_t count) {
    calls_ += count;
    Count(where, calls_, kMaxAllCalls);
  }

  void CheckVariables(const grammar::JsonValue& variables) {
    Count("template_arguments", variables.members.size(), kMaxVariables);
    for (const auto& [name, given] : variables.members) {
      if (name.size() > kMaxNameBytes || IsOwnVariable(name)) {
        Fail(Invalid("template_arguments",
                     "messages, tools, bos_token, eos_token, add_generation_prompt and constants "
                     "may not be set, nor names over " +
                         std::to_string(kMaxNameBytes) + " bytes"));
      }
    }
  }

  void Fail(Error error) {
    if (!status_) status_ = std::move(error);
  }

  Status Take() { return std::move(status_); }

 private:
  std::size_t bytes_ = 0;
  std::size_t calls_ = 0;
  std::int64_t items_ = 0;
  Status status_;
};

void CheckCalls(const Message& message, const std::string& at, Checker* checker) {
  if (!message.tool_calls.empty() && message.role != "assistant") {
    return checker->Fail(Invalid(at + ".tool_calls", "only an assistant message has tool calls"));
  }
  checker->Count(at + ".tool_calls", message.tool_calls.size(), kMaxToolCalls);
  checker->CountCalls("messages", message.tool_calls.size());
  for (std::size_t i = 0; i < message.tool_calls.size() && checker->ok(); ++i) {
    const std::string call = at + ".tool_calls[" + std::to_string(i) + "]";
    checker->Short(call + ".id", message.tool_calls[i].id, 0, kMaxCallIdBytes);
    checker->Short(call + ".name", message.tool_calls[i].name, 1, kMaxNameBytes);
    checker->Text(call + ".arguments", message.tool_calls[i].arguments);
    checker->CountItems(call + ".arguments", message.tool_calls[i].arguments);
  }
}

void CheckMessage(const Message& message, const std::string& at, Checker* checker) {
  if (!IsRole(message.role)) {
    return checker->Fail(
        Invalid(at + ".role", "unknown role; allowed system, developer, user, assistant, tool"));
  }
  checker->Text(at + ".content", message.content);
  checker->Text(at + ".reasoning", message.reasoning);
  checker->Short(at + ".tool_call_id", message.tool_call_id, 0, kMaxCallIdBytes);
  checker->Short(at + ".name", message.name, 0, kMaxNameBytes);
  CheckCalls(message, at, checker);
}

void CheckTools(const Prompt& prompt, Checker* checker) {
  checker->Count("tools", prompt.tools.size(), kMaxTools);
  for (std::size_t i = 0; i < prompt.tools.size() && checker->ok(); ++i) {
    const std::string at = "tools[" + std::to_string(i) + "]";
    checker->Short(at + ".name", prompt.tools[i].name, 1, kMaxNameBytes);
    checker->Text(at + ".description", prompt.tools[i].description);
    checker->Object(at + ".parameters", prompt.tools[i].parameters, kMaxJsonDepth);
  }
  checker->Short("template_arguments", prompt.template_arguments, 0, kMaxTemplateArgumentsBytes);
  checker->Object("template_arguments", prompt.template_arguments, kMaxTemplateArgumentsDepth);
}

}  // namespace

Status CheckConversation(const Prompt& prompt) {
  const std::vector<Message>& messages = prompt.messages;
  if (messages.empty()) return Invalid("messages", "the list is empty");
  Checker checker;
  checker.Count("messages", messages.size(), kMaxMessages);
  for (std::size_t i = 0; i < messages.size() && checker.ok(); ++i) {
    CheckMessage(messages[i], "messages[" + std::to_string(i) + "]", &checker);
  }
  if (checker.ok()) CheckTools(prompt, &checker);
  if (checker.ok() && prompt.continues) {
    const Message& last = messages.back();
    if (last.role != "assistant" || !last.tool_calls.empty()) {
      checker.Fail(
          Invalid("continues", "the last message must be the assistant's, without tool calls"));
    }
  }
  return checker.Take();
}

}  // namespace sentiric::backend
