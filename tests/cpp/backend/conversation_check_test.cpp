// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/conversation_check.h"

#include <functional>
#include <string>
#include <vector>

#include "backend/prompt/json_object.h"
#include "check.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

std::string Repeat(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// A conversation in order that has everything, changed.
Prompt Changed(const std::function<void(Prompt*)>& change) {
  Prompt prompt = testing::PromptOf({{"user", "a"},
                                     {"assistant", "", "hm", {{"1", "look", "{\"a\": [1]}"}}},
                                     {"tool", "b", "", {}, "1", "look"},
                                     {"assistant", "c"}});
  prompt.tools = {{"look", "Looks.", "{\"type\": \"object\"}"}, {"wait"}};
  prompt.template_arguments = "{\"enable_thinking\": true}";
  prompt.continues = true;
  change(&prompt);
  return prompt;
}

// Where the fault is, "" without one.
std::string Fault(const std::function<void(Prompt*)>& change) {
  const Status status = CheckConversation(Changed(change));
  if (!status.has_value()) return "";
  return status->code == ErrorCode::kInvalidArgument ? status->where : "wrong code";
}

std::string Fault(std::vector<Message> messages) {
  return Fault([&](Prompt* prompt) { *prompt = testing::PromptOf(std::move(messages)); });
}

TEST(ConversationCheck, Messages) {
  EXPECT_EQ(Fault([](Prompt*) {}), "");
  EXPECT_EQ(Fault(std::vector<Message>{}), "messages");
  EXPECT_EQ(Fault({{"user", "a"}, {"robot", "b"}}), "messages[1].role");
  EXPECT_EQ(Fault({{"user", "a\xFF"}}), "messages[0].content");
  EXPECT_EQ(Fault(std::vector<Message>(kMaxMessages + 1, {"user", "a"})), "messages");
  EXPECT_EQ(Fault(std::vector<Message>(kMaxMessages, {"user", "a"})), "");
  EXPECT_EQ(Fault({{"user", std::string(kMaxContentBytes, 'a')}, {"user", "b"}}), "messages");
  EXPECT_EQ(Fault({{"user", std::string(kMaxContentBytes, 'a')}}), "");
  EXPECT_EQ(Fault({{"user", ""}}), "");
}

TEST(ConversationCheck, EachTextIsUtf8) {
  const std::string bad = "a\xC3(";
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].reasoning = bad; }), "messages[1].reasoning");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[0].name = bad; }), "messages[0].name");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[2].tool_call_id = bad; }),
            "messages[2].tool_call_id");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].tool_calls[0].id = bad; }),
            "messages[1].tool_calls[0].id");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].tool_calls[0].name = bad; }),
            "messages[1].tool_calls[0].name");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].tool_calls[0].arguments = bad; }),
            "messages[1].tool_calls[0].arguments");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools[1].name = bad; }), "tools[1].name");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools[1].description = bad; }), "tools[1].description");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools[1].parameters = bad; }), "tools[1].parameters");
  EXPECT_EQ(Fault([&](Prompt* p) { p->template_arguments = bad; }), "template_arguments");
}

TEST(ConversationCheck, EachLimitIsTheLast) {
  const std::string name(kMaxNameBytes, 'n'), id(kMaxCallIdBytes, 'i');
  EXPECT_EQ(Fault([&](Prompt* p) {
              p->tools.assign(kMaxTools, {name});
              p->messages[1].tool_calls.assign(kMaxToolCalls, {id, name, "{}"});
              p->messages[2].tool_call_id = id;
              p->messages[2].name = name;
            }),
            "");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools.assign(kMaxTools + 1, {"a"}); }), "tools");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools[0].name = name + "n"; }), "tools[0].name");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools[0].name = ""; }), "tools[0].name");
  EXPECT_EQ(
      Fault([&](Prompt* p) { p->messages[1].tool_calls.assign(kMaxToolCalls + 1, {"", "a", ""}); }),
      "messages[1].tool_calls");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].tool_calls[0].name = ""; }),
            "messages[1].tool_calls[0].name");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].tool_calls[0].id = id + "i"; }),
            "messages[1].tool_calls[0].id");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[2].tool_call_id = id + "i"; }),
            "messages[2].tool_call_id");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[0].name = name + "n"; }), "messages[0].name");
}

TEST(ConversationCheck, AllTextsCount) {
  const std::string most(kMaxContentBytes, 'a');
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].reasoning = most; }), "messages");
  EXPECT_EQ(Fault([&](Prompt* p) { p->messages[1].tool_calls[0].arguments = most; }), "messages");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools[0].description = most; }), "messages");
  EXPECT_EQ(Fault([&](Prompt* p) { p->tools[0].parameters = most; }), "messages");
}

TEST(ConversationCheck, ParametersAndVariablesAreObjects) {
  const auto parameters = [](const std::string& json) {
    return Fault([&](Prompt* p) { p->tools[1].parameters = json; });
  };
  EXPECT_EQ(parameters("{}"), "");
  EXPECT_EQ(parameters("{\"a\": " + Repeat("[", 63) + Repeat("]", 63) + "}"), "");
  for (const std::string& bad :
       {std::string("[]"), std::string("true"), std::string("{"), std::string("{} {}"),
        std::string("{\"a\": 1, \"a\": 2}"), "{\"a\": " + Repeat("[", 64) + Repeat("]", 64) + "}",
        Repeat("[", 1000000), "{\"a\": [" + Repeat("1,", 65536) + "1]}"}) {
    EXPECT_EQ(parameters(bad), "tools[1].parameters");
  }
  const auto variables = [](const std::string& json) {
    return Fault([&](Prompt* p) { p->template_arguments = json; });
  };
  EXPECT_EQ(variables("{\"a\": " + Repeat("[", 7) + Repeat("]", 7) + "}"), "");
  EXPECT_EQ(variables("{\"a\": " + Repeat("[", 8) + Repeat("]", 8) + "}"), "template_arguments");
  EXPECT_EQ(variables("{}" + std::string(kMaxTemplateArgumentsBytes - 2, ' ')), "");
  EXPECT_EQ(variables("{}" + std::string(kMaxTemplateArgumentsBytes - 1, ' ')),
            "template_arguments");
  EXPECT_EQ(variables("[]"), "template_arguments");
}

TEST(ConversationCheck, OnlyTheAssistantCallsAndGoesOn) {
  EXPECT_EQ(Fault([](Prompt* p) { p->messages[0].tool_calls = {{"1", "look", "{}"}}; }),
            "messages[0].tool_calls");
  EXPECT_EQ(Fault([](Prompt* p) { p->messages.pop_back(); }), "continues");
  EXPECT_EQ(Fault([](Prompt* p) { p->messages.back().tool_calls = {{"1", "look", "{}"}}; }),
            "continues");
  // A model wrote them, and the conversation must go on.
  EXPECT_EQ(Fault([](Prompt* p) { p->messages[1].tool_calls[0].arguments = "{\"a\": "; }), "");
}

TEST(ConversationCheck, ErrorsSayWhereAndHoldNoText) {
  const Status status = CheckConversation(
      Changed([](Prompt* p) { p->tools[0].parameters = "{\"a\": 1,\n \"secret\" 2}"; }));
  ASSERT(status.has_value());
  EXPECT_EQ(status->Message(), "[tools[0].parameters] not JSON: `:` is expected here at 2:11");
}

TEST(JsonObject, KeepsTheOrderAndTheNumbers) {
  const auto parsed = ParseJsonObject("{\"z\": 1.0e3, \"a\": 12345678901234567890}");
  ASSERT(parsed.ok());
  EXPECT_EQ(parsed->members[0].first, "z");
  EXPECT_EQ(parsed->members[0].second.text, "1.0e3");
  EXPECT_EQ(parsed->members[1].second.text, "12345678901234567890");
}

}  // namespace
}  // namespace sentiric::backend
