// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/json_value.h"

#include <string>

#include "check.h"

namespace sentiric::grammar {
namespace {

TEST(JsonValue, KeepsOrderAndSpelling) {
  const auto value = ParseJson(R"( {"b": 1.50e+3, "a": ["\u00e7\ud83d\ude00\n", true, null]} )");
  ASSERT(value);
  EXPECT_EQ(value->members[0].first, "b");
  EXPECT_EQ(value->Find("b")->text, "1.50e+3");
  EXPECT_EQ(value->Find("a")->items[0].text, "ç😀\n");
  EXPECT(value->Find("a")->items[1].Is(JsonValue::Kind::kTrue));
  EXPECT(value->Find("c") == nullptr);
}

TEST(JsonValue, SaysWhereTheTextIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "json_schema:1:1"},
      {"{\"a\":1,}", "json_schema:1:8"},
      {"[1 2]", "json_schema:1:4"},
      {"01", "json_schema:1:2"},
      {"\"\\x\"", "json_schema:1:3"},
      {"\"\\ud800\"", "json_schema:1:8"},
      {"\"\n\"", "json_schema:1:2"},
      {"{\"a\":1,\"a\":2}", "json_schema:1:11"},
      {"1.", "json_schema:1:3"},
      {"\"\xff\"", "json_schema:1:2"},
      {"{\"a\": 1,\n \"şç\": }", "json_schema:2:8"},
      {"[\n\n1,\n", "json_schema:4:1"},
      {"\xEF\xBB\xBF{}", "json_schema:1:1"},
  };
  for (const auto& [text, where] : cases) {
    const auto value = ParseJson(text);
    ASSERT(!value);
    EXPECT_EQ(value.error().where, where);
  }
}

TEST(JsonValue, NamesAByteOrderMark) {
  EXPECT(ParseJson("\xEF\xBB\xBF{}").error().what.find("byte order mark") != std::string::npos);
}

TEST(JsonValue, HasLimits) {
  JsonLimits limits;
  limits.depth = 3;
  EXPECT(ParseJson("[[[1]]]", limits));
  EXPECT(!ParseJson("[[[[1]]]]", limits));
  limits.text_bytes = 4;
  EXPECT(!ParseJson("12345", limits));
  EXPECT(!ParseJson(std::string(100'000, '[')));
}

}  // namespace
}  // namespace sentiric::grammar
