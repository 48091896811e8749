// SPDX-License-Identifier: AGPL-3.0-only
#include "process/json_types.h"

#include <cmath>
#include <limits>

#include "check.h"
#include "process/base64.h"

namespace sentiric::process {
namespace {

Json Smallest() {
  return {{"messages", Json::array()}, {"sampling", {{"logit_bias", Json::object()}}},
          {"grammar", nullptr},        {"truncation", "drop_turns"},
          {"priority", "normal"},      {"adapters", Json::array()}};
}

template <typename Call>
std::string FieldOf(const Call& call) {
  try {
    call();
  } catch (const BadField& error) {
    return error.what();
  } catch (const std::exception&) {
    return "malformed";
  }
  return "accepted";
}

TEST(JsonTypes, ARequestHasTheFieldsOfPythons) {
  Json json = Smallest();
  json["messages"] = {{{"role", "user"}, {"content", "ığ"}}};
  json["sampling"] = {{"temperature", 0.5},
                      {"seed", 18446744073709551614u},
                      {"top_logprobs", nullptr},
                      {"logit_bias", {{"3", -1.5}}}};
  json["grammar"] = {{"kind", "gbnf"}, {"text", "root ::= \"a\""}};
  json["truncation"] = "shift";
  json["priority"] = "batch";
  json["adapters"] = Json::array({Json::array({"a", 0.5})});
  json["delivered"] = {1, 2};
  json["resumed"] = true;
  json["sampling"]["allowed_tokens"] = {5};
  json["min_tokens"] = 3;
  json["prompt_logprobs"] = 4;
  json["stop_tokens"] = {6, 7};
  json["bad_words"] = {{8, 9}, {10}};
  json["shown_tokens"] = {"<t>"};
  json["call_marks"] = {"<c>"};
  json["call_opening"] = "{";
  json["repetition_limit"] = 40;
  json["thinking"] = {{"begin", "<t>"},
                      {"end", "</t>"},
                      {"closing", "</t>\n"},
                      {"max_tokens", 9},
                      {"is_open", true}};
  const Request request = RequestOf(json);
  EXPECT_EQ(request.prompt.messages.at(0).content, "ığ");
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.seed, 18446744073709551614u);
  EXPECT_EQ(request.sampling.top_logprobs, -1);
  EXPECT(request.sampling.logit_bias.at(0) == std::make_pair(Token{3}, -1.5f));
  EXPECT(request.grammar.kind == GrammarSpec::Kind::kGbnf);
  EXPECT(request.truncation == Truncation::kShift && request.priority == Priority::kBatch);
  EXPECT_EQ(request.adapters.at(0).scale, 0.5f);
  EXPECT(request.delivered == (std::vector<Token>{1, 2}));
  EXPECT(request.resumed);
  EXPECT(request.sampling.allowed_tokens == std::vector<Token>{5});
  EXPECT_EQ(request.prompt_logprobs, 4);
  EXPECT_EQ(RequestOf(Smallest()).prompt_logprobs, -1);
  EXPECT(request.min_tokens == 3 && request.repetition_limit == 40);
  EXPECT(request.stop_tokens == (std::vector<Token>{6, 7}));
  EXPECT(request.bad_words == (std::vector<std::vector<Token>>{{8, 9}, {10}}));
  EXPECT(request.shown_tokens == std::vector<std::string>{"<t>"});
  EXPECT(request.call_marks == std::vector<std::string>{"<c>"} && request.call_opening == "{");
  ASSERT(request.thinking.has_value());
  EXPECT(request.thinking->closing == "</t>\n" && request.thinking->max_tokens == 9);
  EXPECT(request.thinking->begin == "<t>" && request.thinking->is_open);
  EXPECT(!RequestOf(Smallest()).thinking.has_value());
}

TEST(JsonTypes, AConversationHasToolsCallsAndReasoning) {
  Json json = Smallest();
  json["messages"] = {
      {{"role", "assistant"},
       {"content", ""},
       {"reasoning", "hm"},
       {"tool_calls", Json::array({{{"id", "1"}, {"name", "look"}, {"arguments", "{}"}}})}},
      {{"role", "tool"}, {"content", "a"}, {"tool_call_id", "1"}, {"name", "look"}}};
  json["tools"] = Json::array({{{"name", "look"}, {"description", "d"}, {"parameters", "{}"}}});
  json["template_arguments"] = "{\"a\": 1}";
  json["continues"] = true;
  const Prompt prompt = RequestOf(json).prompt;
  EXPECT_EQ(prompt.messages.at(0).reasoning, "hm");
  EXPECT_EQ(prompt.messages.at(0).tool_calls.at(0).name, "look");
  EXPECT_EQ(prompt.messages.at(0).tool_calls.at(0).arguments, "{}");
  EXPECT_EQ(prompt.messages.at(1).tool_call_id, "1");
  EXPECT_EQ(prompt.messages.at(1).name, "look");
  EXPECT_EQ(prompt.tools.at(0).description, "d");
  EXPECT_EQ(prompt.tools.at(0).parameters, "{}");
  EXPECT_EQ(prompt.template_arguments, "{\"a\": 1}");
  EXPECT(prompt.continues);
  json["tools"] = Json::array({{{"name", 7}}});
  EXPECT_EQ(FieldOf([&] { RequestOf(json); }), "malformed");
}

// The library would cut numbers to the width of the field.
TEST(JsonTypes, NumbersThatDoNotFitAreNamed) {
  for (const Json& value : {Json(1ll << 40), Json(-1099511627776), Json(1.5), Json("7"),
                            Json(std::numeric_limits<std::uint64_t>::max())}) {
    Json json = Smallest();
    json["max_tokens"] = value;
    EXPECT_EQ(FieldOf([&] { RequestOf(json); }), "max_tokens");
  }
  Json json = Smallest();
  json["sampling"]["seed"] = -1;
  EXPECT_EQ(FieldOf([&] { RequestOf(json); }), "seed");
  json = Smallest();
  json["priority"] = "urgent";
  EXPECT_EQ(FieldOf([&] { RequestOf(json); }), "malformed");
}

TEST(JsonTypes, BytesSurviveBase64) {
  for (std::size_t size = 0; size < 40; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
    EXPECT_EQ(FromBase64(Base64(bytes.data(), bytes.size())), bytes);
  }
  EXPECT_EQ(FieldOf([] { FromBase64("a+/b"); }), "malformed");
}

TEST(JsonTypes, ADeltaKeepsWhatJsonHasNoWordFor) {
  Event event;
  event.text = "a\xff";  // not UTF-8
  event.logprobs.push_back({{1, "\xff", -INFINITY}, {}});
  event.prompt_logprobs.push_back({{2, "", NAN}, {}});
  const Json delta = Json::parse(Dump(DeltaOf(event)));
  EXPECT_EQ(delta["text"].get<std::string>(), "a\xef\xbf\xbd");
  EXPECT_EQ(delta["logprobs"][0]["chosen"]["logprob"].get<std::string>(), "-inf");
  EXPECT_EQ(FromBase64(delta["logprobs"][0]["chosen"]["piece"]), "\xff");
  EXPECT_EQ(delta["prompt_logprobs"][0]["chosen"]["logprob"].get<std::string>(), "nan");
  EXPECT(!DeltaOf(Event{}).contains("prompt_logprobs"));
  EXPECT(!delta.contains("final") && !delta.contains("truncation"));
}

}  // namespace
}  // namespace sentiric::process
