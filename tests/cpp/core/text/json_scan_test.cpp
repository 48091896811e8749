// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/json_scan.h"

#include <string>

#include "check.h"

using sentiric::JsonLimit;
using sentiric::JsonLimits;
using sentiric::JsonScan;
using sentiric::ScanJson;

namespace {

std::string Repeated(std::string_view unit, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += unit;
  return text;
}

std::int64_t Items(std::string_view text) { return ScanJson(text, {}).items; }

}  // namespace

TEST(JsonScan, CountsValuesAndNames) {
  EXPECT_EQ(Items(""), 0);
  EXPECT_EQ(Items("  7 "), 1);
  EXPECT_EQ(Items("[]"), 1);
  EXPECT_EQ(Items("{}"), 1);
  EXPECT_EQ(Items(R"([1, -2.5e3, true, null, "x"])"), 6);
  EXPECT_EQ(Items(R"({"a": {"b": [1, 2]}, "c": "d,e:f"})"), 9);
  EXPECT_EQ(Items(R"({"a":"\"[{,:"})"), 3);
  EXPECT_EQ(Items(R"({"a":"\\","b":"\\\""})"), 5);
}

TEST(JsonScan, EndsAtTheFirstItemTooMany) {
  JsonLimits limits;
  limits.items = 4;
  EXPECT_EQ(ScanJson("[1,2,3]", limits).passed, JsonLimit::kNone);
  const JsonScan scan = ScanJson(R"({"a":[1,2,3,4]})", limits);
  EXPECT_EQ(scan.passed, JsonLimit::kItems);
  EXPECT_EQ(scan.at, 8u);
  EXPECT_EQ(scan.items, 5);
  EXPECT_EQ(scan.field, "a");
  for (const char* over :
       {"[[],[],[],[]]", "[{},{},{},{}]", R"(["","","",""])", R"({"":{"":[]}})"}) {
    EXPECT_EQ(ScanJson(over, limits).passed, JsonLimit::kItems);
  }
}

TEST(JsonScan, DepthAtAndOverTheLimit) {
  JsonLimits limits;
  limits.depth = 3;
  EXPECT_EQ(ScanJson(R"({"a":[[]],"b":[[1],{}]})", limits).passed, JsonLimit::kNone);
  const JsonScan scan = ScanJson(R"({"a":1,"b":[[[]]]})", limits);
  EXPECT_EQ(scan.passed, JsonLimit::kDepth);
  EXPECT_EQ(scan.at, 13u);
  EXPECT_EQ(scan.field, "b");
  EXPECT_EQ(ScanJson(Repeated("[", 1'000'000), limits).at, 3u);
  EXPECT_EQ(ScanJson(R"({"a":"[[[[[[{{{{"})", limits).passed, JsonLimit::kNone);
  EXPECT_EQ(ScanJson(R"({"a":"\\",)" + Repeated("[", 9), limits).passed, JsonLimit::kDepth);
}

TEST(JsonScan, TheFieldIsANameOfTheOutermostObject) {
  JsonLimits limits;
  limits.depth = 2;
  EXPECT_EQ(ScanJson(R"({"a":{"b":"c"},"d":"e","f":[[1]]})", limits).field, "f");
  EXPECT_EQ(ScanJson(R"({"a":"b",[[[)", limits).field, "a");
  EXPECT_EQ(ScanJson(R"(["a",[[1]]])", limits).field, "");
  EXPECT_EQ(ScanJson("{\"\xff\\u0041\":[[1]]}", limits).field, "\xff\\u0041");
}

TEST(JsonScan, LongNumbers) {
  JsonLimits limits;
  limits.number_bytes = 5;
  EXPECT_EQ(ScanJson("[12345,-1234,1e+05]", limits).passed, JsonLimit::kNone);
  for (const char* over : {"[1,123456]", "[1,-12345]", "[1,0.0000]", "[1,1e+005]", "[1,12345x]"}) {
    const JsonScan scan = ScanJson(over, limits);
    EXPECT_EQ(scan.passed, JsonLimit::kNumber);
    EXPECT_EQ(scan.at, 3u);
  }
  EXPECT_EQ(ScanJson(R"(["123456"])", limits).passed, JsonLimit::kNone);
}

TEST(JsonScan, NumbersWithAnExponent) {
  EXPECT_EQ(ScanJson("[1, 2.5, true, false]", {}).has_exponent, false);
  EXPECT_EQ(ScanJson("[1, 1e999]", {}).has_exponent, true);
  EXPECT_EQ(ScanJson("[-1E9]", {}).has_exponent, true);
}

TEST(JsonScan, HalfPairsOfSurrogates) {
  for (const char* whole : {R"(["\ud83d\ude00"])", R"(["\uD83D\uDE00\uD83D\uDE00"])",
                            R"(["\\ud800"])", R"(["\u0041"])", R"(["\ud8zz"])", R"([ \ud800 ])"}) {
    EXPECT_EQ(ScanJson(whole, {}).has_lone_surrogate, false);
  }
  for (const char* half :
       {R"(["\ud800"])", R"(["\uDC00"])", R"({"\ud83d":1})", R"(["\ud83d\ud83d\ude00"])",
        R"(["\ud83d\u0041"])", R"(["\ud83dx\ude00"])", R"(["\\\ud800"])", R"(["\ude00\ud83d"])"}) {
    EXPECT_EQ(ScanJson(half, {}).has_lone_surrogate, true);
  }
}

TEST(JsonScan, EndsWithTheFirstValue) {
  EXPECT_EQ(ScanJson("[1] [2,3]", {}).at, 3u);
  EXPECT_EQ(ScanJson("{}}}}[[[[", {}).items, 1);
  EXPECT_EQ(ScanJson("\"a\"\"b\"", {}).items, 1);
  EXPECT_EQ(ScanJson("]", {}).items, 0);
}

TEST(JsonScan, TextsThatEndTooEarly) {
  for (const char* text :
       {"\"", "\"\\", "[\"\\", "{\"a", "{\"a\":\"\\u", "{\"a\":\"\\ud83d\\ud", "-"}) {
    const JsonScan scan = ScanJson(text, {});
    EXPECT_EQ(scan.passed, JsonLimit::kNone);
    EXPECT_EQ(scan.at, std::string_view(text).size());
  }
}

// Quadratic work would take minutes here; no time is measured.
TEST(JsonScan, HostileRepetitions) {
  JsonLimits limits;
  limits.items = 1 << 30;
  limits.number_bytes = 1 << 30;
  for (const char* unit :
       {"\"", "\\\"", "\"\\", "\\", "\"a", "{}", "[]", ",", "1", "\\ud83d", " "}) {
    const std::string text = "[" + Repeated(unit, 2'000'000);
    EXPECT_EQ(ScanJson(text, limits).at, text.size());
  }
}
