// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/jinja_conversation.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "backend/prompt/conversation_check.h"
#include "backend/prompt/json_object.h"

namespace sentiric::backend {
namespace {

using jinja::value;

// The last six are the engine's constants.
constexpr std::array<std::string_view, 11> kOwn = {
    "messages", "tools", "bos_token", "eos_token", "add_generation_prompt", "true", "True",
    "false",    "False", "none",      "None"};

class ConversationMaker {
 public:
  explicit ConversationMaker(const ConversationInput& input)
      : input_(input),
        values_(input.filter),
        answers_(input.answer_filter ? input.answer_filter : input.filter) {}

  value Messages() const {
    auto list = NewList();
    for (const Message& message : *input_.messages) list->push_back(MessageValue(message));
    return list;
  }

  value Tools() const {
    auto list = NewList();
    for (const Tool& tool : *input_.tools) list->push_back(ToolValue(tool));
    return list;
  }

  const ValueMaker& values() const { return values_; }

 private:
  value MessageValue(const Message& message) const {
    auto entry = NewObject();
    entry->insert("role", OwnText(message.role));
    entry->insert("content", Content(message));
    if (!message.reasoning.empty()) {
      const value reasoning = values_.Text(message.reasoning);
      entry->insert("reasoning_content", reasoning);
      entry->insert("thinking", reasoning);
    }
    if (!message.tool_calls.empty()) {
      auto calls = NewList();
      for (const ToolCall& call : message.tool_calls) calls->push_back(CallValue(call));
      entry->insert("tool_calls", calls);
    }
    if (!message.tool_call_id.empty()) {
      entry->insert("tool_call_id", values_.Text(message.tool_call_id));
    }
    if (!message.name.empty()) entry->insert("name", values_.Text(message.name));
    return entry;
  }

  value Content(const Message& message) const {
    if (input_.shape.null_content && message.content.empty() && !message.tool_calls.empty()) {
      return jinja::mk_val<jinja::value_none>();
    }
    value text = (message.role == "assistant" ? answers_ : values_).Text(message.content);
    if (!input_.shape.typed_content) return text;
    auto part = NewObject();
    part->insert("type", OwnText("text"));
    part->insert("text", text);
    auto parts = NewList();
    parts->push_back(value(part));
    return parts;
  }

  value CallValue(const ToolCall& call) const {
    auto function = NewObject();
    function->insert("name", values_.Text(call.name));
    function->insert("arguments", ArgumentsValue(call.arguments));
    return FunctionValue(function, &call.id);
  }

  value ArgumentsValue(const std::string& arguments) const {
    if (input_.shape.arguments_as_text) return values_.Text(arguments);
    const auto parsed = ParseJsonObject(arguments.empty() ? "{}" : arguments);
    if (parsed.ok()) return values_.Json(*parsed);
    auto wrapped = NewObject();
    wrapped->insert("arguments", values_.Text(arguments));
    return wrapped;
  }

  value ToolValue(const Tool& tool) const {
    auto function = NewObject();
    function->insert("name", values_.Text(tool.name));
    function->insert("description", values_.Text(tool.description));
    // Without a schema a tool takes no arguments, as in the OpenAI API.
    static const std::string kNone = R"({"type": "object", "properties": {}})";
    const auto parameters = ParseJsonObject(tool.parameters.empty() ? kNone : tool.parameters);
    if (parameters.ok()) function->insert("parameters", values_.Json(*parameters));
    return FunctionValue(function, nullptr);
  }

  value FunctionValue(const value& function, const std::string* id) const {
    auto entry = NewObject();
    if (id != nullptr) entry->insert("id", values_.Text(*id));
    entry->insert("type", OwnText("function"));
    entry->insert("function", function);
    return entry;
  }

  const ConversationInput& input_;
  const ValueMaker values_;
  const ValueMaker answers_;
};

}  // namespace

bool IsOwnVariable(std::string_view name) {
  return std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end();
}

std::vector<JinjaInput::Variable> MakeVariables(const ConversationInput& input) {
  const ConversationMaker maker(input);
  std::vector<JinjaInput::Variable> variables;
  if (input.template_arguments != nullptr && !input.template_arguments->empty()) {
    const auto parsed = ParseJsonObject(*input.template_arguments, kMaxTemplateArgumentsDepth);
    if (parsed.ok()) {
      for (const auto& [name, given] : parsed->members) {
        variables.emplace_back(name, maker.values().Json(given));
      }
    }
  }
  // Behind the caller's, so that none of these is replaced.
  variables.emplace_back("messages", maker.Messages());
  if (input.tools != nullptr && !input.tools->empty()) {
    variables.emplace_back("tools", maker.Tools());
  }
  variables.emplace_back("bos_token", OwnText(input.bos_token));
  variables.emplace_back("eos_token", OwnText(input.eos_token));
  variables.emplace_back("add_generation_prompt",
                         jinja::mk_val<jinja::value_bool>(input.add_generation_prompt));
  return variables;
}

}  // namespace sentiric::backend
