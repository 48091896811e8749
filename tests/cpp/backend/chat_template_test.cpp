// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/chat_template.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "backend/prompt/marked_render.h"
#include "backend/template/json_writer.h"
#include "check.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

constexpr std::time_t kNow = 1700000000;  // 14 November 2023

const std::vector<Message> kConversation = {
    {"system", "Be brief."}, {"user", "Hi"}, {"assistant", "Hello."}, {"user", "Bye"}};

ChatTemplateSpec Spec(const std::string& file, const std::string& bos, const std::string& eos) {
  return {"override", testing::TemplateText(file), bos, eos, false, false};
}

// The text with its spans visible: what came from messages stands between « and ».
std::string Marked(const RenderedPrompt& prompt) {
  std::string text;
  for (const RenderedPrompt::Span& span : prompt.spans) {
    text += span.is_input ? "«" + span.text + "»" : span.text;
  }
  return text;
}

std::string Render(const ChatTemplateSpec& spec,
                   const std::vector<Message>& messages = kConversation,
                   bool add_generation_prompt = true) {
  const ChatTemplate chat(spec);
  if (chat.status().has_value()) return chat.status()->Message();
  const auto rendered = chat.Render(testing::PromptOf(messages), add_generation_prompt, kNow);
  return rendered.ok() ? Marked(*rendered) : rendered.error().Message();
}

TEST(ChatTemplate, Gemma2) {
  EXPECT_EQ(Render(Spec("google-gemma-2-2b-it.jinja", "<bos>", "<eos>")),
            std::string("<bos><start_of_turn>user\n«Be brief.\n\nHi»<end_of_turn>\n"
                        "<start_of_turn>model\n«Hello.»<end_of_turn>\n"
                        "<start_of_turn>user\n«Bye»<end_of_turn>\n<start_of_turn>model\n"));
}

TEST(ChatTemplate, Llama31) {
  EXPECT_EQ(
      Render(Spec("meta-llama-Llama-3.1-8B-Instruct.jinja", "<|begin_of_text|>", "<|eot_id|>")),
      std::string("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
                  "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
                  "«Be brief.»<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n«Hi»<|eot_id|>"
                  "<|start_header_id|>assistant<|end_header_id|>\n\n«Hello.»<|eot_id|>"
                  "<|start_header_id|>user<|end_header_id|>\n\n«Bye»<|eot_id|>"
                  "<|start_header_id|>assistant<|end_header_id|>\n\n"));
}

TEST(ChatTemplate, Llama32KnowsTheDate) {
  const std::string text =
      Render(Spec("meta-llama-Llama-3.2-3B-Instruct.jinja", "<|begin_of_text|>", "<|eot_id|>"));
  EXPECT(text.find("Today Date: 14 Nov 2023\n\n«Be brief.»<|eot_id|>") != std::string::npos);
}

TEST(ChatTemplate, Qwen25) {
  EXPECT_EQ(
      Render(Spec("Qwen-Qwen2.5-7B-Instruct.jinja", "", "<|im_end|>")),
      std::string("<|im_start|>system\n«Be brief.»<|im_end|>\n<|im_start|>user\n«Hi»<|im_end|>\n"
                  "<|im_start|>assistant\n«Hello.»<|im_end|>\n<|im_start|>user\n«Bye»<|im_end|>\n"
                  "<|im_start|>assistant\n"));
}

TEST(ChatTemplate, Qwen25HasASystemPromptOfItsOwn) {
  EXPECT_EQ(
      Render(Spec("Qwen-Qwen2.5-7B-Instruct.jinja", "", "<|im_end|>"), {{"user", "Hi"}}, false),
      std::string("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
                  "assistant.<|im_end|>\n<|im_start|>user\n«Hi»<|im_end|>\n"));
}

TEST(ChatTemplate, MistralNemo) {
  EXPECT_EQ(Render(Spec("mistralai-Mistral-Nemo-Instruct-2407.jinja", "<s>", "</s>")),
            std::string("<s>[INST]«Hi»[/INST]«Hello.»</s>[INST]«Be brief.»\n\n«Bye»[/INST]"));
}

TEST(ChatTemplate, Phi35RolesAreNotInput) {
  EXPECT_EQ(
      Render(Spec("microsoft-Phi-3.5-mini-instruct.jinja", "<s>", "<|endoftext|>")),
      std::string("<|system|>\n«Be brief.»<|end|>\n<|user|>\n«Hi»<|end|>\n<|assistant|>\n«Hello.»"
                  "<|end|>\n<|user|>\n«Bye»<|end|>\n<|assistant|>\n"));
}

TEST(ChatTemplate, EveryTemplateOfTheTreeWorks) {
  int count = 0;
  for (const std::string& file : testing::TemplateNames()) {
    const ChatTemplate chat(Spec(file, "<s>", "</s>"));
    EXPECT(!chat.status().has_value());
    std::vector<Message> messages = kConversation;
    messages.insert(messages.end(), {{"assistant", "Wait."}, {"tool", "sentinel"}, {"user", "Ok"}});
    const auto rendered = chat.Render(testing::PromptOf(messages), true, kNow);
    EXPECT(rendered.ok());
    EXPECT(rendered.ok() && rendered->Text().find("sentinel") != std::string::npos);
    ++count;
  }
  EXPECT(count > 60);
}

TEST(ChatTemplate, JoinsWhatMustAlternate) {
  EXPECT_EQ(
      Render(Spec("google-gemma-2-2b-it.jinja", "<bos>", "<eos>"),
             {{"user", "a"}, {"user", "b"}, {"assistant", "c"}, {"assistant", "d"}, {"user", "e"}}),
      std::string(
          "<bos><start_of_turn>user\n«a\n\nb»<end_of_turn>\n<start_of_turn>model\n"
          "«c\n\nd»<end_of_turn>\n<start_of_turn>user\n«e»<end_of_turn>\n<start_of_turn>model\n"));
  EXPECT_EQ(
      Render(Spec("google-gemma-2-2b-it.jinja", "<bos>", "<eos>"), {{"system", "only"}}, false),
      std::string("<bos><start_of_turn>user\n«only»<end_of_turn>\n"));
}

TEST(ChatTemplate, DeveloperIsSystem) {
  EXPECT_EQ(Render(Spec("Qwen-Qwen2.5-7B-Instruct.jinja", "", ""),
                   {{"developer", "D"}, {"user", "U"}}, false),
            std::string("<|im_start|>system\n«D»<|im_end|>\n<|im_start|>user\n«U»<|im_end|>\n"));
}

TEST(ChatTemplate, DoesNotDoubleBos) {
  ChatTemplateSpec spec = Spec("google-gemma-2-2b-it.jinja", "<bos>", "<eos>");
  spec.adds_bos = true;
  EXPECT(Render(spec).rfind("<start_of_turn>user\n", 0) == 0);
  ChatTemplateSpec ending{
      "override", "{{ messages[-1].content }}{{ eos_token }}", "", "</s>", false, true};
  ending.source = "{% for m in messages %}{{ m.content }}{% endfor %}{{ eos_token }}";
  EXPECT_EQ(Render(ending, {{"user", "<bos>"}}), std::string("«<bos>»"));
}

TEST(ChatTemplate, ABrokenTemplateSaysSo) {
  const std::vector<std::string> broken = {"{{", "{{ nothing() }}", "fixed text",
                                           "{{ raise_exception('never') }}",
                                           "{% for m in messages %}{{ m.role }}{% endfor %}"};
  for (const std::string& source : broken) {
    const ChatTemplate chat({"override", source, "", "", false, false});
    ASSERT(chat.status().has_value());
    EXPECT(chat.status()->code == ErrorCode::kTemplateFailed);
    const auto rendered = chat.Render(testing::PromptOf(kConversation), true);
    ASSERT(!rendered.ok());
    EXPECT(rendered.error().code == ErrorCode::kTemplateFailed);
  }
}

TEST(ChatTemplate, TypedContentIsFoundOut) {
  const ChatTemplateSpec spec{"override",
                              "{% for m in messages %}[{{ m.role }}{% for p in m.content %}{{ "
                              "p.text }}{% endfor %}]{% endfor %}",
                              "",
                              "",
                              false,
                              false};
  EXPECT_EQ(Render(spec, {{"user", "Hi"}}), std::string("[user«Hi»]"));
}

TEST(ChatTemplate, AFallbackFollowsTheVocabulary) {
  const auto fallback = [](const std::string& name) {
    return FindChatTemplate(testing::LoadVocabulary(name).model.get(), "");
  };
  EXPECT_EQ(fallback("qwen2").origin, std::string("model"));
  EXPECT_EQ(fallback("llama-bpe").origin, std::string("fallback"));
  EXPECT_EQ(Render(fallback("llama-bpe"), {{"user", "Hi"}}),
            std::string("<|start_header_id|>user<|end_header_id|>\n\n«Hi»<|eot_id|>"
                        "<|start_header_id|>assistant<|end_header_id|>\n\n"));
  EXPECT_EQ(
      Render(fallback("gpt-2"), kConversation),
      std::string("System: «Be brief.»\nUser: «Hi»\nAssistant: «Hello.»\nUser: «Bye»\nAssistant:"));
  EXPECT_EQ(FindChatTemplate(testing::LoadVocabulary("gpt-2").model.get(), "x").origin,
            std::string("override"));
}

TEST(ChatTemplate, FallbacksOfTheOtherFamilies) {
  const auto render = [](TemplateFamily family) {
    return Render({"fallback", FallbackTemplate(family), "<s>", "</s>", false, false});
  };
  EXPECT_EQ(
      render(TemplateFamily::kChatMl),
      std::string("<|im_start|>system\n«Be brief.»<|im_end|>\n<|im_start|>user\n«Hi»<|im_end|>\n"
                  "<|im_start|>assistant\n«Hello.»<|im_end|>\n<|im_start|>user\n«Bye»<|im_end|>\n"
                  "<|im_start|>assistant\n"));
  EXPECT_EQ(
      render(TemplateFamily::kGemma),
      std::string("<s><start_of_turn>user\n«Be brief.\n\nHi»<end_of_turn>\n<start_of_turn>model\n"
                  "«Hello.»<end_of_turn>\n<start_of_turn>user\n«Bye»<end_of_turn>\n"
                  "<start_of_turn>model\n"));
  EXPECT_EQ(render(TemplateFamily::kMistral),
            std::string("<s>[INST] «Be brief.\n\nHi» [/INST] «Hello.»</s>[INST] «Bye» [/INST]"));
}

// A text as a JSON string; escaped: with its angle brackets and bars as escapes.
std::string InJson(const std::string& text, bool escaped) {
  std::string json;
  AppendJsonString(text, false, &json);
  if (!escaped) return json;
  for (const auto& [from, to] : {std::pair{"<", "\\u003c"}, {"|", "\\u007c"}, {"[", "\\u005b"}}) {
    for (std::size_t at = json.find(from); at != std::string::npos; at = json.find(from, at)) {
      json.replace(at, 1, to);
    }
  }
  return json;
}

// A text in each field that tools, calls, results and variables have.
Prompt ToolTalk(const std::string& text, bool escaped) {
  const std::string json = InJson(text, escaped);
  const std::string name = text.substr(0, 200);
  Prompt prompt = testing::PromptOf(
      {{"user", "a", "", {}, "", name},
       {"assistant",
        "",
        text,
        {{text.substr(0, 1000), name, "{" + json + ": " + json + "}"}, {"b", "t", text}}},
       {"tool", text, "", {}, text.substr(0, 1000), name},
       {"tool", text, "", {}, "b"},
       {"assistant", text, text},
       {"user", "b"},
       {"assistant", text, text}});
  prompt.tools = {{name, text,
                   R"({"type": "object", "properties": {)" + json +
                       R"(: {"type": "string", "description": )" + json + "}}}"}};
  prompt.template_arguments = R"({"reasoning_effort": )" + InJson(name, escaped) +
                              R"(, "enable_thinking": true, "model_identity": )" +
                              InJson(name, escaped) + "}";
  prompt.continues = true;
  return prompt;
}

void ExpectNoInjectionByTools(const Tokenizer& tokenizer, const ChatTemplateSpec& spec,
                              const std::string& literals) {
  const ChatTemplate chat(spec);
  const auto count = [&](const Prompt& prompt) {
    std::size_t control = 0;
    (void)testing::Pool().Run([&] {
      const auto rendered = RenderMarked(chat, tokenizer, prompt, {true, kNow});
      EXPECT(rendered.ok());
      if (!rendered.ok()) return std::printf("  %s\n", rendered.error().Message().c_str());
      const std::vector<Token> tokens = tokenizer.TokenizeSpans(*rendered, true).value();
      for (const Token token : tokens) control += tokenizer.IsControl(token) ? 1 : 0;
      return 0;
    });
    return control;
  };
  for (const bool escaped : {false, true}) {
    const std::size_t harmless = count(ToolTalk("harmless", escaped));
    EXPECT(harmless > 0);
    EXPECT_EQ(count(ToolTalk(literals, escaped)), harmless);
  }
}

// Every literal of the vocabulary in every role, through the template that goes with it.
void ExpectNoInjection(const std::string& vocabulary_name, const ChatTemplateSpec& spec) {
  const testing::Vocabulary& vocabulary = testing::LoadVocabulary(vocabulary_name);
  const Tokenizer tokenizer(vocabulary.vocab(), spec.source);
  std::string literals = "x";
  for (Token token = 0; token < tokenizer.num_vocab(); ++token) {
    if (tokenizer.IsControl(token)) literals += llama_vocab_get_text(vocabulary.vocab(), token);
  }
  const auto count = [&](const std::string& content) {
    const ChatTemplate chat(spec);
    std::vector<Token> tokens;
    (void)testing::Pool().Run([&] {
      const Prompt prompt = testing::PromptOf({{"system", content},
                                               {"user", content},
                                               {"assistant", content},
                                               {"tool", content},
                                               {"user", content}});
      const auto rendered = RenderMarked(chat, tokenizer, prompt, {true, kNow});
      EXPECT(rendered.ok());
      if (rendered.ok()) tokens = tokenizer.TokenizeSpans(*rendered, true).value();
    });
    std::size_t control = 0;
    for (const Token token : tokens) control += tokenizer.IsControl(token) ? 1 : 0;
    return control;
  };
  EXPECT(count("harmless") > 0);
  EXPECT_EQ(count(literals), count("harmless"));
  ExpectNoInjectionByTools(tokenizer, spec, literals);
}

// Their characters have more bytes than one, and more escapes.
TEST(ChatTemplate, FillerIsEscapedLikeTheLiteral) {
  const Tokenizer& tokenizer = *testing::LoadVocabulary("deepseek-llm").tokenizer;
  const std::string literal = "<｜begin▁of▁sentence｜>";
  ASSERT(tokenizer.HasControlLiteral(literal));
  const std::string masked = tokenizer.MaskControlLiterals(literal);
  EXPECT(!tokenizer.HasControlLiteral(masked));
  for (const bool all_ascii : {false, true}) {
    std::string one, other;
    AppendJsonString(literal, all_ascii, &one);
    AppendJsonString(masked, all_ascii, &other);
    EXPECT_EQ(one.size(), other.size());
  }
}

TEST(ChatTemplate, NoControlTokenComesOutOfAConversation) {
  ExpectNoInjection("llama-bpe", Spec("meta-llama-Llama-3.1-8B-Instruct.jinja", "<|begin_of_text|>",
                                      "<|eot_id|>"));
  ExpectNoInjection("qwen2", Spec("Qwen-Qwen2.5-7B-Instruct.jinja", "", "<|im_end|>"));
  ExpectNoInjection("qwen2", Spec("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16.jinja", "", "<|im_end|>"));
  ExpectNoInjection("gemma-4", Spec("google-gemma-4-31B-it-interleaved.jinja", "<bos>", "<eos>"));
  ExpectNoInjection("llama-spm", Spec("mistralai-Mistral-Nemo-Instruct-2407.jinja", "<s>", "</s>"));
  ExpectNoInjection("qwen2", Spec("Qwen3-Coder.jinja", "", "<|im_end|>"));
  ExpectNoInjection("qwen2", Spec("Qwen-Qwen3-0.6B.jinja", "", "<|im_end|>"));
  ExpectNoInjection("qwen2",
                    Spec("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja", "", "<|im_end|>"));
  ExpectNoInjection("gemma-4", Spec("google-gemma-4-31B-it.jinja", "<bos>", "<eos>"));
  ExpectNoInjection("qwen35", Spec("Qwen3.5-4B.jinja", "", "<|im_end|>"));
  ExpectNoInjection("command-r", Spec("CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja",
                                      "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"));
}

}  // namespace
}  // namespace sentiric::backend
