// SPDX-License-Identifier: AGPL-3.0-only
// Conversations with tools through every template of the tree.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/prompt/chat_template.h"
#include "backend/prompt/message_places.h"
#include "check.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

constexpr std::time_t kNow = 1700000000;  // 14 November 2023

// Constructed once for the whole run.
const ChatTemplate& Chat(const std::string& file) {
  static std::map<std::string, std::unique_ptr<ChatTemplate>> chats;
  auto& chat = chats[file];
  if (!chat) {
    chat = std::make_unique<ChatTemplate>(
        ChatTemplateSpec{"override", testing::TemplateText(file), "<s>", "</s>", false, false});
  }
  return *chat;
}

std::string Words(const TemplateShape& shape) {
  std::string words;
  const auto add = [&](bool is_set, const char* word) {
    if (is_set) words += words.empty() ? word : std::string(" ") + word;
  };
  add(shape.takes_tools, "tools");
  add(!shape.calls_as_text, "calls");
  add(shape.prints_reasoning, "reasoning");
  add(shape.arguments_as_text, "text");
  add(shape.single_calls, "single");
  add(shape.null_content, "null");
  add(shape.content_apart, "apart");
  add(shape.short_ids, "short");
  add(shape.user_before_calls, "user-first");
  add(shape.result_as_user, "result-user");
  add(shape.orphan_as_user, "orphan-user");
  add(shape.fold_system, "fold");
  add(shape.typed_content, "typed");
  return words;
}

Prompt Talk() {
  Prompt prompt = testing::PromptOf(
      {{"system", "Be brief."},
       {"user", "First question"},
       {"assistant",
        "Let me look.",
        "I should look.",
        {{"call_a", "get_weather", R"({"city": "city-of-call", "scale": 1.50e2})"},
         {"call_b", "get_time", R"({"zone": "zone-of-call"})"}}},
       {"tool", "result-a", "", {}, "call_a"},
       {"tool", "result-b", "", {}, "call_b"},
       {"assistant", "Answer of the first."},
       {"user", "Second question"}});
  prompt.tools = {
      {"get_weather", "Says how it is.",
       R"({"type": "object", "properties": {"city": {"type": "string", "description": "a"}}})"},
      {"get_time"}};
  return prompt;
}

std::string RenderText(const std::string& file, const Prompt& prompt, bool add = true) {
  const auto rendered = Chat(file).Render(prompt, add, kNow);
  return rendered.ok() ? rendered->Text() : rendered.error().Message();
}

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ToolTemplates, NothingIsLost) {
  for (const std::string& file : testing::TemplateNames()) {
    const std::string text = RenderText(file, Talk());
    std::size_t from = 0;
    for (const char* part : {"First question", "city-of-call", "Answer of the first."}) {
      const std::size_t at = text.find(part, from);
      if (at == std::string::npos) std::printf("  %s: no %s\n", file.c_str(), part);
      EXPECT(at != std::string::npos);
      from = at == std::string::npos ? from : at;
    }
    for (const char* part : {"zone-of-call", "result-a", "result-b", "Second question"}) {
      EXPECT(Holds(text, part));
    }
    EXPECT_EQ(Chat(file).shape().takes_tools, Holds(text, "Says how it is."));
  }
}

TEST(ToolTemplates, WhatWasLearnt) {
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "tools calls reasoning orphan-user"},
      {"GLM-4.6.jinja", "tools calls reasoning"},
      {"HuggingFaceTB-SmolLM3-3B.jinja", ""},
      {"Kimi-K2-Instruct.jinja", "tools calls"},
      {"LFM2-8B-A1B.jinja", "tools"},
      {"MiniMax-M2.jinja", "tools calls reasoning orphan-user"},
      {"Mistral-Small-3.2-24B-Instruct-2506.jinja", "tools calls short user-first orphan-user"},
      {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja", "tools calls"},
      {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", "tools calls"},
      {"Qwen-QwQ-32B.jinja", "tools calls"},
      {"Qwen-Qwen2.5-7B-Instruct.jinja", "tools calls"},
      {"Qwen-Qwen3-0.6B.jinja", "tools calls reasoning"},
      {"Qwen3-Coder.jinja", "tools calls"},
      {"Qwen3.5-4B.jinja", "tools calls reasoning"},
      {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", "calls text null apart"},
      {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja", "calls"},
      {"deepseek-ai-DeepSeek-V3.1.jinja", "calls"},
      {"deepseek-ai-DeepSeek-V3.2.jinja", "tools calls"},
      {"google-gemma-2-2b-it.jinja", "orphan-user fold"},
      {"google-gemma-4-31B-it.jinja", "tools calls reasoning orphan-user"},
      {"ibm-granite-granite-4.0.jinja", "tools calls"},
      {"llama-cpp-deepseek-r1.jinja", "tools calls apart"},
      {"meta-llama-Llama-3.1-8B-Instruct.jinja", "tools calls single user-first"},
      {"meta-llama-Llama-3.2-3B-Instruct.jinja", "tools calls single user-first"},
      {"meta-llama-Llama-3.3-70B-Instruct.jinja", "tools calls single user-first"},
      {"microsoft-Phi-3.5-mini-instruct.jinja", "orphan-user"},
      {"mistralai-Ministral-3-14B-Reasoning-2512.jinja", "tools calls user-first"},
      {"mistralai-Mistral-Nemo-Instruct-2407.jinja", "tools calls short user-first orphan-user"},
      {"moonshotai-Kimi-K2.jinja", "tools calls"},
      {"openai-gpt-oss-120b.jinja", "tools calls reasoning single orphan-user"}};
  for (const auto& [file, words] : expected) {
    EXPECT_EQ(file + ": " + Words(Chat(file).shape()), file + ": " + words);
  }
}

TEST(ToolTemplates, QwenPrintsItAsTrained) {
  const std::string text = RenderText("Qwen-Qwen2.5-7B-Instruct.jinja", Talk());
  EXPECT(Holds(text,
               "<tools>\n{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", "
               "\"description\": \"Says how it is.\", \"parameters\": {\"type\": \"object\", "
               "\"properties\": {\"city\": {\"type\": \"string\", \"description\": \"a\"}}}}}"
               "\n{\"type\": \"function\", \"function\": {\"name\": \"get_time\", "));
  EXPECT(Holds(text,
               "<|im_start|>assistant\nLet me look.\n<tool_call>\n{\"name\": "
               "\"get_weather\", \"arguments\": {\"city\": \"city-of-call\", \"scale\": "
               "1.50e2}}\n</tool_call>\n<tool_call>\n"));
  EXPECT(Holds(text,
               "<|im_start|>user\n<tool_response>\nresult-a\n</tool_response>\n"
               "<tool_response>\nresult-b\n</tool_response><|im_end|>\n"));
}

TEST(ToolTemplates, OneCallPerMessageIsFollowedByItsResult) {
  const std::string text = RenderText("meta-llama-Llama-3.1-8B-Instruct.jinja", Talk());
  EXPECT(text.find("city-of-call") < text.find("result-a"));
  EXPECT(text.find("result-a") < text.find("zone-of-call"));
  EXPECT(text.find("zone-of-call") < text.find("result-b"));
}

TEST(ToolTemplates, ArgumentsThatAreNoObjectAreKept) {
  for (const std::string bad : {"{\"cut\": \"off", "[1, \"list\"]", "plain \"words\"", ""}) {
    for (const std::string& file : testing::TemplateNames()) {
      Prompt prompt = Talk();
      prompt.messages[2].tool_calls[0].arguments = bad;
      const auto rendered = Chat(file).Render(prompt, true, kNow);
      EXPECT(rendered.ok());
      const std::string word = bad.empty() ? "get_weather" : bad.substr(3, 2);
      EXPECT(rendered.ok() && Holds(rendered->Text(), word));
    }
  }
}

TEST(ToolTemplates, AConversationMayBeginWithACall) {
  for (const std::string& file : testing::TemplateNames()) {
    Prompt prompt = Talk();
    prompt.messages.erase(prompt.messages.begin(), prompt.messages.begin() + 2);
    const auto rendered = Chat(file).Render(prompt, true, kNow);
    EXPECT(rendered.ok());
    EXPECT(rendered.ok() && Holds(rendered->Text(), "city-of-call"));
  }
}

TEST(ToolTemplates, TheAssistantMayGreetFirst) {
  for (const std::string& file : testing::TemplateNames()) {
    Prompt prompt = Talk();
    prompt.messages = {{"assistant", "A greeting."}, {"user", "A question"}};
    const std::string text = RenderText(file, prompt);
    if (!Holds(text, "A greeting.")) std::printf("  %s\n", file.c_str());
    EXPECT(Holds(text, "A greeting.") && Holds(text, "A question"));
  }
}

TEST(ToolTemplates, AResultMayBeTheLast) {
  for (const std::string& file : testing::TemplateNames()) {
    Prompt prompt = Talk();
    prompt.messages.resize(5);
    const std::string text = RenderText(file, prompt);
    EXPECT(Holds(text, "zone-of-call") && Holds(text, "result-b"));
  }
}

TEST(ToolTemplates, WhatGoesOnEndsBehindItsText) {
  for (const std::string& file : testing::TemplateNames()) {
    for (const std::string given : {" Half an answer, and \n", "", "<think>\nhm"}) {
      for (const std::string reasoning : {"", "why"}) {
        Prompt prompt = Talk();
        prompt.messages.push_back({"assistant", given, reasoning});
        prompt.continues = true;
        const auto rendered = Chat(file).Render(prompt, true, kNow);
        ASSERT(rendered.ok());
        EXPECT(rendered->spans.back().is_input && rendered->spans.back().text == given);
        const std::string text = rendered->Text();
        EXPECT(text.rfind("Second question") + given.size() < text.size());
        EXPECT(!Holds(text, "sentiric"));
      }
    }
  }
}

TEST(ToolTemplates, WhatGoesOnLooksLikeAnAnswer) {
  Prompt prompt = testing::PromptOf({{"user", "Hi"}, {"assistant", " Well, "}});
  prompt.continues = true;
  EXPECT_EQ(RenderText("Qwen-Qwen2.5-7B-Instruct.jinja", prompt).substr(87),
            std::string("<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
                        " Well, "));
  EXPECT_EQ(RenderText("google-gemma-2-2b-it.jinja", prompt),
            "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n Well, ");
}

TEST(ToolTemplates, VariablesReachTheTemplate) {
  Prompt prompt = testing::PromptOf({{"user", "Hi"}});
  const std::string file = "Qwen-Qwen3-0.6B.jinja";
  EXPECT(!Holds(RenderText(file, prompt), "<think>"));
  prompt.template_arguments = R"({"enable_thinking": false})";
  EXPECT(Holds(RenderText(file, prompt), "<think>\n\n</think>"));
  prompt.template_arguments = R"({"messages": []})";
  const auto refused = Chat(file).Render(prompt, true, kNow);
  ASSERT(!refused.ok());
  EXPECT_EQ(refused.error().where, "template_arguments");
}

TEST(ToolTemplates, MessagesAreFound) {
  std::size_t found = 0, all = 0;
  for (const std::string& file : testing::TemplateNames()) {
    Prompt prompt = Talk();
    const std::string text = RenderText(file, prompt);
    const auto begins = FindMessages(Chat(file), prompt, text, true, kNow);
    ASSERT(begins.size() == prompt.messages.size());
    for (const std::size_t i : {0, 1, 3, 5, 6}) {
      ++all;
      if (begins[i] == std::string::npos) continue;
      ++found;
      EXPECT_EQ(
          text.compare(begins[i], prompt.messages[i].content.size(), prompt.messages[i].content),
          0);
    }
  }
  std::printf("  messages found: %zu of %zu\n", found, all);
  EXPECT(found * 10 > all * 9);
}

}  // namespace
}  // namespace sentiric::backend
