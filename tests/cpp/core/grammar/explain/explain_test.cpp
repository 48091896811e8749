// SPDX-License-Identifier: AGPL-3.0-only
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/explain/allowed_characters.h"
#include "core/grammar/explain/next_strings.h"
#include "core/grammar/json/compile_schema.h"
#include "core/grammar/plain/compile_plain.h"

namespace sentiric::grammar {
namespace {

using Strings = std::vector<std::string>;

std::string Allowed(const char* pattern) {
  Matcher matcher(*CompileRegex(pattern));
  std::string shown;
  for (const CodeRange range : AllowedCharacters(&matcher)) {
    for (CodePoint c : {range.first, range.last}) {
      char text[16];
      std::snprintf(text, sizeof(text), "%X ", static_cast<unsigned>(c));
      shown += text;
    }
  }
  return shown;
}

std::optional<Strings> Next(const char* schema, const char* before, Spelling spelling) {
  Matcher matcher(*CompileSchema(schema));
  EXPECT(matcher.Advance(before));
  return NextStrings(matcher, spelling, 100);
}

TEST(AllowedCharacters, AreRangesOfCodePoints) {
  EXPECT_EQ(Allowed("[ac-e0]"), "30 30 61 61 63 65 ");
  EXPECT_EQ(Allowed("[İŞş]"), "130 130 15E 15F ");
  EXPECT_EQ(Allowed("[\\u07FE-\\u0801€\\uFFFF-\\u{10001}😀]"),
            "7FE 801 20AC 20AC FFFF 10001 1F600 1F600 ");
  EXPECT_EQ(Allowed("[^]"), "0 10FFFF ");
  EXPECT_EQ(Allowed("."), "0 9 B C E 2027 202A 10FFFF ");
  EXPECT_EQ(Allowed("[\\u3001-\\u309F\\u{10FFFF}]"), "3001 309F 10FFFF 10FFFF ");
  EXPECT_EQ(Allowed("[\\uD000-\\uD7FF\\uE000-\\uEFFF]"), "D000 EFFF ");
}

TEST(AllowedCharacters, DoNotMoveTheMatcher) {
  Matcher matcher(*CompileRegex("ab"));
  AllowedCharacters(&matcher);
  EXPECT(matcher.Advance("ab"));
}

TEST(NextStrings, AreNamesAndValues) {
  const char* schema = R"({"type":"object","properties":{"ad":{"enum":["şu","a\"b","c"]},
                           "yaş":{},"a\nb":{}},"additionalProperties":false})";
  EXPECT(Next(schema, "{\"", Spelling::kOnly) == Strings({"a\\nb", "ad", "yaş"}));
  EXPECT(Next(schema, "{\"a", Spelling::kOnly) == Strings({"\\nb", "d"}));
  EXPECT(Next(schema, "{\"ad\":\"", Spelling::kUsual) == Strings({"a\\\"b", "c", "şu"}));
}

TEST(NextStrings, AreNotListedWhenThereAreMany) {
  EXPECT(!Next(R"({"type":"object"})", "{\"", Spelling::kOnly));
  EXPECT(!Next(R"({"type":"string","pattern":"^a*$"})", "\"", Spelling::kUsual));
  EXPECT(!Next(R"({"type":"string","pattern":"^[a-z]{2}$"})", "\"", Spelling::kUsual));
  const std::string schema = R"({"enum":[")" + std::string(300, 'a') + R"("]})";
  EXPECT(!Next(schema.c_str(), "\"", Spelling::kUsual));
}

}  // namespace
}  // namespace sentiric::grammar
