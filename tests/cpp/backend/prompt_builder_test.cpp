// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/prompt_builder.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/prompt/conversation.h"
#include "check.h"
#include "core/grammar/automaton/matcher.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

constexpr std::int32_t kRoomy = 1 << 20;

ModelPromptBuilder& Builder(const std::string& name) {
  static std::map<std::string, std::unique_ptr<ModelPromptBuilder>> builders;
  auto& builder = builders[name];
  if (!builder) {
    builder = std::make_unique<ModelPromptBuilder>(testing::LoadVocabulary(name).model.get(), "");
  }
  return *builder;
}

Result<PreparedPrompt> Prepare(const std::string& name, const Request& request,
                               std::int32_t max_prompt = kRoomy) {
  Result<PreparedPrompt> result = PreparedPrompt{};
  (void)testing::Pool().Run([&] { result = Builder(name).Prepare(request, max_prompt); });
  return result;
}

Request Chat(std::vector<Message> messages, Truncation truncation = Truncation::kDropTurns) {
  Request request;
  request.prompt.messages = std::move(messages);
  request.truncation = truncation;
  return request;
}

Request Text(const std::string& text, Truncation truncation = Truncation::kError) {
  Request request;
  request.prompt.text = text;
  request.truncation = truncation;
  return request;
}

std::string TextOf(const std::string& name, const std::vector<Token>& tokens) {
  return Builder(name).Detokenize(tokens, true).value();
}

// A system message and `turns` questions with answers, then a last question.
std::vector<Message> LongTalk(int turns) {
  std::vector<Message> messages = {{"system", "Answer in one word."}};
  for (int i = 0; i < turns; ++i) {
    messages.push_back({"user", "Question number " + std::to_string(i) + ", what is it?"});
    messages.push_back({"assistant", "Answer number " + std::to_string(i) + "."});
  }
  messages.push_back({"user", "The last question."});
  return messages;
}

bool IsError(const Result<PreparedPrompt>& result, ErrorCode code, const std::string& where) {
  return !result.ok() && result.error().code == code && result.error().where == where;
}

TEST(Conversation, DropsWholeTurns) {
  const std::vector<Message> talk = {{"assistant", "0"}, {"system", "s"}, {"user", "1"},
                                     {"assistant", "1"}, {"tool", "1"},   {"developer", "d"},
                                     {"user", "2"}};
  EXPECT_EQ(CountTurns(talk), std::size_t{3});
  const auto contents = [&](std::size_t count) {
    std::string all;
    for (const Message& message : DropTurns(talk, count)) all += message.content;
    return all;
  };
  EXPECT_EQ(contents(0), std::string("0s11"
                                     "1d2"));
  EXPECT_EQ(contents(1), std::string("s111d2"));
  EXPECT_EQ(contents(2), std::string("sd2"));
  EXPECT_EQ(CountTurns({{"system", "s"}}), std::size_t{0});
}

TEST(Conversation, CallsStayWithTheirResults) {
  const std::vector<Message> talk = {{"user", "1"},
                                     {"assistant", "", "", {{"x", "look", "{}"}}},
                                     {"user", "wait"},
                                     {"tool", "r", "", {}, "x"},
                                     {"user", "2"},
                                     {"assistant", "", "", {{"x", "look", "{}"}}},  // the id again
                                     {"tool", "s", "", {}, "x"}};
  EXPECT_EQ(CountTurns(talk), std::size_t{2});
  const std::vector<Message> kept = DropTurns(talk, 1);
  ASSERT(kept.size() == 3);
  EXPECT_EQ(kept.front().content, "2");
}

TEST(PromptBuilder, TruncationKeepsToolsAndWholeTurns) {
  Request request = Chat({{"system", "Be brief."}});
  for (int i = 0; i < 30; ++i) {
    const std::string id = "call_" + std::to_string(i);
    request.prompt.messages.push_back({"user", "Question number " + std::to_string(i)});
    request.prompt.messages.push_back({"assistant", "", "", {{id, "look", R"({"n": 1})"}}});
    request.prompt.messages.push_back({"tool", "A result.", "", {}, id});
    request.prompt.messages.push_back({"assistant", "An answer."});
  }
  request.prompt.tools = {{"look", "A description of it.", R"({"type": "object"})"}};
  ModelPromptBuilder builder(testing::LoadVocabulary("qwen2").model.get(),
                             testing::TemplateText("Qwen-Qwen2.5-7B-Instruct.jinja"));
  const auto prepare = [&](std::int32_t max_prompt) {
    Result<PreparedPrompt> result = PreparedPrompt{};
    (void)testing::Pool().Run([&] { result = builder.Prepare(request, max_prompt); });
    return result;
  };
  const auto cut = prepare(600);
  ASSERT(cut.ok());
  EXPECT(cut->truncation.dropped_turns > 0);
  const std::string text = TextOf("qwen2", cut->tokens);
  EXPECT(text.find("A description of it.") != std::string::npos);
  const auto count = [&](const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count("A result."), count("{\"name\": \"look\", \"arguments\": {\"n\": 1}}"));
  const auto whole = prepare(kRoomy);
  ASSERT(whole.ok());
  EXPECT_EQ(cut->keep, whole->keep);  // the tools are part of what is kept
  EXPECT(TextOf("qwen2", {whole->tokens.begin(), whole->tokens.begin() + whole->keep})
             .find("A description of it.") != std::string::npos);
  request.prompt.messages.erase(request.prompt.messages.begin());
  const auto bare = prepare(kRoomy);
  EXPECT(bare.ok() && TextOf("qwen2", {bare->tokens.begin(), bare->tokens.begin() + bare->keep})
                              .find("A description of it.") != std::string::npos);
}

std::string Growing(std::vector<Message> messages) {
  const std::size_t count = messages.size();
  const std::vector<Message> part = GrowingPart(messages);
  EXPECT(part.size() == count || part.back().role == "user");
  return part.size() == count ? part.back().content : "+" + part.back().content;
}

TEST(Conversation, TheGrowingPartEndsBeforeTheLastWord) {
  EXPECT_EQ(Growing({{"user", "how are yo"}}), "how are");
  EXPECT_EQ(Growing({{"user", "how are "}}), "how are");
  EXPECT_EQ(Growing({{"user", " how \n\t are"}}), " how");
  EXPECT_EQ(Growing({{"user", "so, how!\n\n are"}}), "so,");
  EXPECT_EQ(Growing({{"user", "how"}}), "");
  EXPECT_EQ(Growing({{"user", " \n"}}), "");
  EXPECT_EQ(Growing({{"user", ""}}), "");
  EXPECT_EQ(Growing({{"user", "a"}, {"tool", "{\"b\": 1}"}}), "{\"b\":");
  EXPECT_EQ(Growing({{"system", "be kind"}}), "+");
  EXPECT_EQ(Growing({{"user", "a"}, {"assistant", "b c"}}), "+");
}

// What each step prepares while a text comes, a few characters at a time, is the beginning of what
// the next one prepares, and of the prompt of the answer.
void ExpectToGrow(const std::string& name, ModelPromptBuilder* builder, std::size_t step) {
  const std::string said =
      " Merhaba, 2.5 kg'lık kırmızı elma var mı? I don't know... çok iyi!\n\n ok";
  std::vector<Token> before;
  const auto prepare = [&](const std::string& content, std::int32_t max_tokens) {
    Request request = Chat({{"system", "Be brief."}, {"user", content}});
    request.max_tokens = max_tokens;
    Result<PreparedPrompt> result = PreparedPrompt{};
    (void)testing::Pool().Run([&] { result = builder->Prepare(request, kRoomy); });
    EXPECT(result.ok());
    return result.ok() ? result->tokens : std::vector<Token>{};
  };
  std::size_t bad = 0;
  const auto expect_begins = [&](const std::vector<Token>& tokens) {
    if (before.size() > tokens.size() || !std::equal(before.begin(), before.end(), tokens.begin()))
      ++bad;
  };
  for (std::size_t end = 0; end <= said.size(); end += step) {
    if (end < said.size() && (static_cast<unsigned char>(said[end]) & 0xC0) == 0x80) continue;
    const std::vector<Token> tokens = prepare(said.substr(0, end), 0);
    expect_begins(tokens);
    before = tokens;
  }
  const std::vector<Token> whole = prepare(said, 1);
  expect_begins(whole);
  const std::string text = builder->Detokenize(before, true).value();
  EXPECT(text.find("I don't know...") != std::string::npos);
  EXPECT(before.size() < whole.size());
  EXPECT_EQ(bad, std::size_t{0});
  if (bad > 0) std::printf("  %zu of %s\n", bad, name.c_str());
}

TEST(PromptBuilder, APromptOfMaxTokensZeroGrowsWithWhatIsSaid) {
  for (const std::string& name : testing::VocabularyNames()) {
    if (name.find("bert") != std::string::npos) continue;  // they embed
    ExpectToGrow(name, &Builder(name), 1);
  }
  for (const std::string& file : testing::TemplateNames()) {
    ModelPromptBuilder builder(testing::LoadVocabulary("qwen2").model.get(),
                               testing::TemplateText(file));
    if (!builder.chat_template().status()) ExpectToGrow(file, &builder, 7);
  }
}

TEST(PromptBuilder, WhatGoesOnHasNoEndOfTurn) {
  Request request = Chat({{"user", "Count."}, {"assistant", "One, two,"}});
  request.prompt.continues = true;
  const auto prepared = Prepare("qwen2", request);
  ASSERT(prepared.ok());
  const std::string text = TextOf("qwen2", prepared->tokens);
  EXPECT_EQ(text.substr(text.rfind("<|im_start|>")), "<|im_start|>assistant\nOne, two,");
}

TEST(PromptBuilder, ATalkWithToolsIsPreparedWithinTheBudget) {
  Request request;
  for (int i = 0; i < 512; ++i) {
    const std::string id = "call_" + std::to_string(i);
    request.prompt.messages.push_back({"user", "Question number " + std::to_string(i)});
    request.prompt.messages.push_back(
        {"assistant", "", "hm", {{id, "tool_1", R"({"n": [1, 2]})"}}});
    request.prompt.messages.push_back({"tool", "A result of some words.", "", {}, id});
    request.prompt.messages.push_back({"assistant", "An answer of some words."});
  }
  std::string properties;
  for (int i = 0; i < 20; ++i) {
    properties += std::string(i == 0 ? "" : ", ") + "\"property_" + std::to_string(i) +
                  R"(": {"type": "string", "description": ")" + std::string(80, 'd') + "\"}";
  }
  for (int i = 0; i < 24; ++i) {
    request.prompt.tools.push_back({"tool_" + std::to_string(i), "A description.",
                                    R"({"type": "object", "properties": {)" + properties + "}}"});
  }
  for (const char* file :
       {"Qwen-Qwen2.5-7B-Instruct.jinja", "Qwen-Qwen3-0.6B.jinja",
        "meta-llama-Llama-3.1-8B-Instruct.jinja", "mistralai-Mistral-Nemo-Instruct-2407.jinja",
        "NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", "Qwen3-Coder.jinja",
        "GLM-4.6.jinja"}) {
    const ChatTemplate chat({"override", testing::TemplateText(file), "", "", false, false});
    RenderAllowance allowance;
    EXPECT(chat.Render(request.prompt, RenderOptions{}, &allowance).ok());
    EXPECT(allowance.work < JinjaLimits::kWork / 2);
  }
}

TEST(PromptBuilder, APromptThatFitsIsLeftAlone) {
  const auto prepared = Prepare("qwen2", Chat(LongTalk(3)));
  ASSERT(prepared.ok());
  EXPECT_EQ(prepared->truncation.dropped_turns, 0);
  EXPECT_EQ(prepared->truncation.dropped_tokens, 0);
  EXPECT(!prepared->grammar);
  std::vector<Token> whole;
  (void)testing::Pool().Run([&] {
    const std::string text =
        Builder("qwen2").Render(testing::PromptOf(LongTalk(3)), true, false)->Text();
    whole = Builder("qwen2").Tokenize(text, true, true).value();
  });
  EXPECT(prepared->tokens == whole);
}

TEST(PromptBuilder, DropsTheFewestTurns) {
  const auto full = Prepare("qwen2", Chat(LongTalk(20)));
  ASSERT(full.ok());
  const auto size = static_cast<std::int32_t>(full->tokens.size());
  EXPECT(Prepare("qwen2", Chat(LongTalk(20)), size)->truncation.dropped_turns == 0);
  const auto one = Prepare("qwen2", Chat(LongTalk(20)), size - 1);
  ASSERT(one.ok());
  EXPECT_EQ(one->truncation.dropped_turns, 1);
  EXPECT_EQ(one->truncation.dropped_tokens, size - static_cast<std::int32_t>(one->tokens.size()));
  for (std::int32_t room = 60; room < size; room += 37) {
    const auto prepared = Prepare("qwen2", Chat(LongTalk(20)), room);
    ASSERT(prepared.ok());
    EXPECT(static_cast<std::int32_t>(prepared->tokens.size()) <= room);
    const int dropped = prepared->truncation.dropped_turns;
    const auto one_less =
        Prepare("qwen2", Chat(DropTurns(LongTalk(20), static_cast<std::size_t>(dropped - 1))));
    EXPECT(static_cast<std::int32_t>(one_less->tokens.size()) > room);
    const std::string text = TextOf("qwen2", prepared->tokens);
    EXPECT(text.find("Answer in one word.") != std::string::npos);
    EXPECT(text.find("The last question.") != std::string::npos);
  }
}

TEST(PromptBuilder, TheLastTurnMustFit) {
  const auto result = Prepare("qwen2", Chat(LongTalk(20)), 20);
  ASSERT(IsError(result, ErrorCode::kContextLengthExceeded, "messages"));
  const auto full = Prepare("qwen2", Chat(LongTalk(20)));
  EXPECT_EQ(result.error().what, "request (" + std::to_string(full->tokens.size()) +
                                     " tokens) exceeds the available context size (21 tokens); "
                                     "the maximum context length is 21 tokens, of which a prompt "
                                     "may take 20");
  EXPECT(IsError(Prepare("qwen2", Chat(LongTalk(20), Truncation::kError), 300),
                 ErrorCode::kContextLengthExceeded, "messages"));
}

TEST(PromptBuilder, ShiftKeepsTheHeadAndTheNewest) {
  const auto full = Prepare("llama-bpe", Chat(LongTalk(20)));
  const auto shifted = Prepare("llama-bpe", Chat(LongTalk(20), Truncation::kShift), 100);
  ASSERT(full.ok() && shifted.ok());
  EXPECT_EQ(shifted->tokens.size(), std::size_t{100});
  EXPECT_EQ(shifted->keep, full->keep);
  EXPECT_EQ(shifted->truncation.dropped_tokens,
            static_cast<std::int32_t>(full->tokens.size()) - 100);
  EXPECT(std::equal(shifted->tokens.begin(), shifted->tokens.begin() + shifted->keep,
                    full->tokens.begin()));
  EXPECT(std::equal(shifted->tokens.rbegin(), shifted->tokens.rend() - shifted->keep,
                    full->tokens.rbegin()));
  EXPECT(IsError(Prepare("llama-bpe", Chat(LongTalk(20), Truncation::kShift), full->keep),
                 ErrorCode::kContextLengthExceeded, "messages"));
}

TEST(PromptBuilder, KeepIsTheSystemBlock) {
  for (const char* name : {"qwen2", "llama-bpe", "gemma-4", "phi-3", "llama-spm"}) {
    const auto prepared = Prepare(name, Chat(LongTalk(2)));
    ASSERT(prepared.ok());
    const std::vector<Token> head(prepared->tokens.begin(),
                                  prepared->tokens.begin() + prepared->keep);
    const std::string text = TextOf(name, head);
    EXPECT(text.find("Answer in one word") != std::string::npos);
    EXPECT(text.find("Question") == std::string::npos);
  }
  const auto none = Prepare("llama-bpe", Chat({{"user", "hello"}}));
  ASSERT(none.ok());
  EXPECT_EQ(none->keep, 1);
}

TEST(PromptBuilder, TheOpeningEndsWithTheFirstUserMessage) {
  for (const char* name : {"qwen2", "llama-bpe", "gemma-4", "phi-3", "llama-spm"}) {
    const auto one = Prepare(name, Chat(LongTalk(1))), many = Prepare(name, Chat(LongTalk(5)));
    ASSERT(one.ok() && many.ok());
    // The answer behind it belongs to one conversation alone.
    EXPECT(one->opening > one->keep &&
           one->opening <= static_cast<std::int32_t>(one->tokens.size()));
    EXPECT(many->opening <= one->opening);
    const std::string text =
        TextOf(name, {many->tokens.begin(), many->tokens.begin() + many->opening});
    EXPECT(text.find("Answer in one word") != std::string::npos);
    EXPECT(text.find("Question") != std::string::npos);
    EXPECT(text.find("Answer number") == std::string::npos);
    const auto shifted = Prepare(name, Chat(LongTalk(20), Truncation::kShift), 100);
    ASSERT(shifted.ok());
    EXPECT_EQ(shifted->opening, shifted->keep);
  }
  EXPECT_EQ(Prepare("llama-bpe", Text("one two three"))->opening, 0);
}

TEST(PromptBuilder, BosStandsOnce) {
  for (const char* name : {"llama-bpe", "gemma-4", "phi-3", "llama-spm"}) {
    const Token bos = llama_vocab_bos(testing::LoadVocabulary(name).vocab());
    for (const Request& request : {Chat(LongTalk(1)), Text("hello")}) {
      const auto prepared = Prepare(name, request);
      ASSERT(prepared.ok());
      EXPECT_EQ(prepared->tokens.front(), bos);
      EXPECT_EQ(std::count(prepared->tokens.begin(), prepared->tokens.end(), bos), 1);
    }
  }
}

TEST(PromptBuilder, TextKeepsBosOnly) {
  const auto prepared = Prepare("llama-bpe", Text("one two three <|eot_id|>"));
  ASSERT(prepared.ok());
  EXPECT_EQ(prepared->keep, 1);
  EXPECT_EQ(TextOf("llama-bpe", prepared->tokens),
            std::string("<|begin_of_text|>one two three <|eot_id|>"));
  Request trusted = Text("<|eot_id|>");
  trusted.prompt.parse_special = true;
  EXPECT_EQ(Prepare("llama-bpe", trusted)->tokens.size(), std::size_t{2});
  std::string words;
  for (int i = 0; i < 100; ++i) words += "word" + std::to_string(i) + " ";
  for (const Truncation policy : {Truncation::kError, Truncation::kDropTurns}) {
    EXPECT(IsError(Prepare("llama-bpe", Text(words, policy), 50), ErrorCode::kContextLengthExceeded,
                   "prompt"));
  }
  const auto shifted = Prepare("llama-bpe", Text(words, Truncation::kShift), 50);
  ASSERT(shifted.ok());
  EXPECT_EQ(shifted->tokens.size(), std::size_t{50});
}

TEST(PromptBuilder, TokensAreTakenAsTheyAre) {
  Request request;
  request.prompt.tokens = {128000, 9906, 1917};
  const auto prepared = Prepare("llama-bpe", request);
  ASSERT(prepared.ok());
  EXPECT(prepared->tokens == request.prompt.tokens);
  EXPECT_EQ(prepared->keep, 1);
  request.prompt.tokens = {5, -1};
  EXPECT(IsError(Prepare("llama-bpe", request), ErrorCode::kInvalidArgument, "tokens[1]"));
  request.prompt.tokens = {128256};
  EXPECT(IsError(Prepare("llama-bpe", request), ErrorCode::kInvalidArgument, "tokens[0]"));
}

TEST(PromptBuilder, RefusesNothing) {
  const Request nothing;
  EXPECT(IsError(Prepare("gpt-2", nothing), ErrorCode::kInvalidArgument, "prompt"));
}

TEST(PromptBuilder, RefusesTwoPrompts) {
  Request both = Text("b");
  both.prompt.messages = LongTalk(0);
  EXPECT(IsError(Prepare("gpt-2", both), ErrorCode::kInvalidArgument, "prompt"));
}

TEST(PromptBuilder, RefusesMalformedInput) {
  Request request;
  request.prompt.messages = LongTalk(0);
  request.prompt.messages[1].role = "robot";
  EXPECT(IsError(Prepare("gpt-2", request), ErrorCode::kInvalidArgument, "messages[1].role"));
  EXPECT(IsError(Prepare("gpt-2", Text("\xFF")), ErrorCode::kInvalidArgument, "prompt"));
}

TEST(PromptBuilder, ABrokenTemplateLeavesTextAlone) {
  ModelPromptBuilder builder(testing::LoadVocabulary("gpt-2").model.get(), "{{ broken");
  const auto chat = builder.Prepare(Chat({{"user", "a"}}), kRoomy);
  EXPECT(IsError(chat, ErrorCode::kTemplateFailed, "chat_template"));
  EXPECT(builder.Prepare(Text("a"), kRoomy).ok());
  ModelInfo info;
  builder.Describe(&info);
  EXPECT_EQ(info.chat_template_source, std::string("override"));
}

bool GrammarTakes(GrammarSpec::Kind kind, const std::string& text, const std::string& output) {
  Request request = Text("x");
  request.grammar = {kind, text};
  const auto prepared = Prepare("gpt-2", request);
  if (!prepared.ok() || !prepared->grammar) return false;
  grammar::Matcher matcher(prepared->grammar);
  return matcher.Advance(output) && matcher.CanEnd();
}

TEST(PromptBuilder, CompilesGrammars) {
  using Kind = GrammarSpec::Kind;
  EXPECT(GrammarTakes(Kind::kGbnf, "root ::= \"yes\" | \"no\"", "yes"));
  EXPECT(!GrammarTakes(Kind::kGbnf, "root ::= \"yes\" | \"no\"", "maybe"));
  EXPECT(GrammarTakes(Kind::kJsonObject, "", "{\"a\": 1}"));
  EXPECT(!GrammarTakes(Kind::kJsonObject, "", "[1]"));
  EXPECT(GrammarTakes(Kind::kJsonSchema, R"({"type":"integer"})", "42"));
  EXPECT(GrammarTakes(Kind::kJsonObject,
                      R"({"type":"object","properties":{"n":{"type":"integer"}},)"
                      R"("required":["n"]})",
                      "{\"n\": 42}"));
}

TEST(PromptBuilder, NamesWhatIsWrongWithAGrammar) {
  using Kind = GrammarSpec::Kind;
  const auto error_of = [](Kind kind, const std::string& text) {
    Request request = Text("x");
    request.grammar = {kind, text};
    const auto prepared = Prepare("gpt-2", request);
    if (prepared.ok()) return std::string("no error");
    return std::string(ErrorCodeName(prepared.error().code)) + " " +
           prepared.error().where.substr(0, 11);
  };
  EXPECT_EQ(error_of(Kind::kGbnf, "root ::= ("), std::string("invalid_grammar grammar:1:1"));
  EXPECT_EQ(error_of(Kind::kGbnf, "root ::= undefined"),
            std::string("invalid_grammar grammar:1:1"));
  EXPECT_EQ(error_of(Kind::kJsonSchema, ""), std::string("invalid_grammar json_schema"));
  EXPECT_EQ(
      error_of(
          Kind::kJsonSchema,
          R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}})"),
      std::string("invalid_grammar json_schema"));
}

TEST(PromptBuilder, CountsTheGrammarCache) {
  ModelPromptBuilder builder(testing::LoadVocabulary("gpt-2").model.get(), "");
  Request request = Text("x");
  request.grammar = {GrammarSpec::Kind::kJsonObject, ""};
  for (int i = 0; i < 3; ++i) EXPECT(builder.Prepare(request, kRoomy).ok());
  EngineStats stats;
  builder.AddStats(&stats);
  EXPECT_EQ(stats.grammar_cache_misses, std::uint64_t{1});
  EXPECT_EQ(stats.grammar_cache_hits, std::uint64_t{2});
}

TEST(PromptBuilder, AThousandTurnsAreCut) {
  const auto prepared = Prepare("qwen2", Chat(LongTalk(1000)), 4095);
  ASSERT(prepared.ok());
  EXPECT(prepared->truncation.dropped_turns > 500);
}

}  // namespace
}  // namespace sentiric::backend
