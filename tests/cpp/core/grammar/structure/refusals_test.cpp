// SPDX-License-Identifier: AGPL-3.0-only
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/structure/allowed.h"

namespace sentiric::grammar {
namespace {

void ExpectRefusal(const std::string& structure, const std::string& beginning) {
  const std::string refusal = StructureRefusal(structure);
  if (refusal.rfind(beginning, 0) != 0) EXPECT_EQ(structure + ": " + refusal, beginning);
}

std::string Nested(const std::string& open, std::size_t times, const std::string& core,
                   const std::string& close) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += open;
  text += core;
  for (std::size_t i = 0; i < times; ++i) text += close;
  return text;
}

TEST(StructureRefusals, NameTheNode) {
  ExpectRefusal("{", "structure:1:2 ");
  ExpectRefusal("[]", "structure wrong type; got an array, allowed an object");
  ExpectRefusal("{}", "structure has no kind");
  ExpectRefusal(R"({"text":"a","free":[]})", "structure two kinds");
  ExpectRefusal(R"({"text":1})", "structure/text wrong type; got a number, allowed a string");
  ExpectRefusal(R"({"text":"a","min":1})", "structure/text unknown member; got \"min\"");
  ExpectRefusal(R"({"sequence":[{"text":"a"},{"tekst":"b"}]})", "structure/sequence/1 has no kind");
  ExpectRefusal(R"({"sequence":{}})", "structure/sequence wrong type");
  ExpectRefusal(R"({"choice":[]})", "structure/choice nothing to choose from");
  ExpectRefusal(R"({"repeat":{"choice":[{"text":"a"},7]}})",
                "structure/repeat/choice/1 wrong type");
  ExpectRefusal(R"({"free":"a"})", "structure/free wrong type");
  ExpectRefusal(R"({"free":[""]})", "structure/free wrong size; got 0 bytes");
  ExpectRefusal(R"({"free":[1]})", "structure/free wrong type");
  ExpectRefusal(R"({"raw":{},"without":["a",null]})", "structure/raw wrong type; got null");
  ExpectRefusal(R"({"regex":"("})", "structure/regex ");
}

TEST(StructureRefusals, Counts) {
  for (const char* count : {"-1", "1.5", "1e1", "\"1\"", "1001", "99999999999999999999", "null"}) {
    ExpectRefusal(R"({"repeat":{"text":"a"},"max":)" + std::string(count) + "}",
                  "structure/repeat max is out of range; got ");
  }
  ExpectRefusal(R"({"repeat":{"text":"a"},"min":3,"max":2})", "structure/repeat min is above max");
}

TEST(StructureRefusals, PlacesInSchemas) {
  ExpectRefusal(R"({"choice":[{"text":"a"},{"schema":{"properties":{"n":{"minimum":"3"}}}}]})",
                "structure/choice/1/schema:/properties/n/minimum ");
  ExpectRefusal(R"({"schema":{"type":"integer","minimum":3,"maximum":2}})", "structure/schema");
  ExpectRefusal(R"({"schema":[]})", "structure/schema not a schema");
  ExpectRefusal(R"({"schema":{"$ref":"#/nowhere"}})", "structure/schema:/$ref ");
  ExpectRefusal(R"({"raw":{"type":"integer"}})", "structure/raw no text is allowed");
  ExpectRefusal(R"({"raw":{"pattern":"("}})", "structure/raw:/pattern ");
  ExpectRefusal(R"({"raw":{"const":"ab"},"without":["b"]})", "structure/raw no text is allowed");
}

TEST(StructureRefusals, Limits) {
  const auto sequences = [](std::size_t depth) {
    return Nested(R"({"sequence":[)", depth - 1, R"({"text":"a"})", "]}");
  };
  EXPECT(StructureAllows(sequences(64), "a"));
  ExpectRefusal(sequences(65), "structure/sequence/0/");
  EXPECT(StructureRefusal(sequences(65)).find("nested too deeply; got 65") != std::string::npos);
  EXPECT(StructureRefusal(sequences(100'000)).rfind("structure:1:", 0) == 0);
  std::string many = R"({"choice":[{"text":"a"})";
  for (int i = 0; i < 20'000; ++i) many += R"(,{"text":"a"})";
  EXPECT(StructureRefusal(many + "]}").find("too many nodes") != std::string::npos);
  const std::string part = std::string(257, 'a');
  ExpectRefusal(R"({"free":[")" + part + "\"]}", "structure/free wrong size; got 257 bytes");
  std::string parts = "\"a\"";
  for (int i = 0; i < 32; ++i) parts += ",\"a\"";
  ExpectRefusal(R"({"free":[)" + parts + "]}", "structure/free too many texts; got 33");
}

// Each piece is within its limits; together they are too much.
TEST(StructureRefusals, WorkIsThatOfTheWhole) {
  std::string choice = R"({"choice":[{"text":""})";
  for (int i = 0; i < 400; ++i) {
    choice += R"(,{"regex":"[ab]*a[ab]{)" + std::to_string(9 + i % 3) + R"(}"})";
  }
  EXPECT(StructureRefusal(choice + "]}").find("too much work") != std::string::npos);
  // Large before they are minimal.
  std::string found = R"({"choice":[{"text":""})";
  for (int i = 0; i < 400; ++i) {
    found += R"(,{"regex":"[^]*(a|b)*a(a|b){10}[^]*|)" + std::to_string(i) + R"("})";
  }
  EXPECT(StructureRefusal(found + "]}").find("too much work") != std::string::npos);
  std::string schemas = R"({"choice":[{"text":""})";
  for (int i = 0; i < 400; ++i) {
    schemas += R"(,{"schema":{"pattern":"(a|b)*a(a|b){10}|)" + std::to_string(i) + R"("}})";
  }
  EXPECT(StructureRefusal(schemas + "]}").find("too much work") != std::string::npos);
  std::string free = R"({"choice":[{"text":""})";
  for (int i = 0; i < 2000; ++i) {
    std::string part;
    for (int k = 0; k < 250; ++k) part += static_cast<char>('a' + (k * 7 + i) % 26);
    free += R"(,{"free":[")" + part + R"(","x)" + part + R"("]})";
  }
  EXPECT(StructureRefusal(free + "]}") != "");
}

// Broken texts, odd nodes, deep nests and huge counts: an answer of some kind, soon.
TEST(StructureRefusals, Fuzz) {
  const std::vector<std::string> pieces = {"{",
                                           "}",
                                           "[",
                                           "]",
                                           ",",
                                           ":",
                                           "\"text\":",
                                           "\"sequence\":[",
                                           "\"choice\":[",
                                           "\"repeat\":{",
                                           "\"free\":[",
                                           "\"schema\":{",
                                           "\"raw\":{",
                                           "\"regex\":",
                                           "\"min\":",
                                           "\"max\":",
                                           "\"without\":",
                                           "\"a\"",
                                           "\"\"",
                                           "\"<x>\"",
                                           "1",
                                           "1e9",
                                           "-1",
                                           "999999999",
                                           "null",
                                           "true",
                                           "\"a{1,9}|b\"",
                                           "\"(a*)*\"",
                                           "{\"text\":\"a\"}",
                                           "{\"free\":[\"ab\"]}",
                                           "{\"repeat\":{\"free\":[]}}",
                                           "\"type\":\"string\"",
                                           "\"$ref\":\"#\"",
                                           "\"\\ud800\"",
                                           "\xff"};
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 2 == 0 ? "{" : R"({"sequence":[)";
    const unsigned size = random() % 16;
    for (unsigned i = 0; i < size; ++i) text += pieces[random() % pieces.size()];
    if (round % 3 == 0) text += round % 2 == 0 ? "}" : "]}";
    const std::string refusal = StructureRefusal(text);
    if (!refusal.empty()) EXPECT(refusal.rfind("structure", 0) == 0);
  }
}

}  // namespace
}  // namespace sentiric::grammar
