// SPDX-License-Identifier: AGPL-3.0-only
// JSON of callers in templates: order, numbers, cost.
#include <string>
#include <vector>

#include "backend/prompt/jinja_conversation.h"
#include "backend/template/jinja_template.h"
#include "check.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

Result<RenderedPrompt> RenderWith(const std::string& source, const std::string& variables) {
  const auto compiled = JinjaTemplate::Compile(source);
  if (!compiled.ok()) return compiled.error();
  Result<RenderedPrompt> result = RenderedPrompt{};
  (void)testing::Pool().Run([&] {
    const std::vector<Message> messages = {{"user", "Hi"}};
    ConversationInput conversation;
    conversation.messages = &messages;
    conversation.template_arguments = &variables;
    JinjaInput input;
    input.variables = [&] { return MakeVariables(conversation); };
    result = (*compiled)->Render(input);
  });
  return result;
}

std::string Text(const std::string& source, const std::string& variables) {
  const auto rendered = RenderWith(source, variables);
  return rendered.ok() ? rendered->Text() : rendered.error().Message();
}

TEST(JsonValues, OrderAndNumbersSurvive) {
  const std::string json =
      R"({"z": 1.50, "a": [1e5, -0, 12345678901234567890, 0.1, 1E-7], "m": {"b": null, "a": true}})";
  EXPECT_EQ(Text("{{ x | tojson }}", R"({"x": )" + json + "}"), json);
  EXPECT_EQ(Text("{{ x.z }} {{ x.a[0] | string }} {{ x.z * 2 }} {{ x.a[3] < 0.2 }}",
                 R"({"x": )" + json + "}"),
            "1.50 1e5 3.0 True");
}

TEST(JsonValues, TojsonIsPythons) {
  EXPECT_EQ(Text("{{ x | tojson }}", R"({"x": "\u00e9\n\u001f\"\\</a>"})"),
            "\"\xC3\xA9\\n\\u001f\\\"\\\\</a>\"");
  EXPECT_EQ(Text("{{ x | tojson(ensure_ascii=true) }}", R"({"x": "\u00e9\ud83d\ude00"})"),
            "\"\\u00e9\\ud83d\\ude00\"");
  EXPECT_EQ(Text("{{ x | tojson(indent=2) }}", R"({"x": {"a": [1, {}], "b": []}})"),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
  EXPECT_EQ(Text("{{ x | tojson(separators=(',', ':')) }}", R"({"x": {"a": [1, 2]}})"),
            "{\"a\":[1,2]}");
  EXPECT_EQ(Text("{{ [0.5 + 0.25, 1.0, 100000.0 * 10, none, true] | tojson }}", "{}"),
            "[0.75, 1.0, 1000000.0, null, true]");
}

TEST(JsonValues, TextIsInputAndStructureIsNot) {
  const auto rendered = RenderWith("{{ x.a }}", R"({"x": {"a": "text"}})");
  ASSERT(rendered.ok() && rendered->spans.size() == 1);
  EXPECT(rendered->spans[0].is_input);
}

TEST(JsonValues, OurVariablesComeLast) {
  EXPECT_EQ(Text("{{ messages[0].content }}{{ tools is defined }}", R"({"messages": "mine"})"),
            "HiFalse");
}

TEST(JsonValues, CountAgainstTheBudget) {
  std::string many = "{\"x\": [0";
  for (int i = 0; i < 30000; ++i) many += ",[]";
  many += "]}";
  EXPECT_EQ(Text("{{ x | length }}", many), "30001");
  std::string colliding = "{\"x\": {\"0\": 0";
  for (int i = 1; i < 512; ++i) colliding += ", \"" + std::to_string(i) + "\": 0";
  EXPECT_EQ(Text("{{ x | length }}", colliding + "}}"), "512");
}

}  // namespace
}  // namespace sentiric::backend
