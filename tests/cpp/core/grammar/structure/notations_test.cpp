// SPDX-License-Identifier: AGPL-3.0-only
// Objects that are not written as JSON, and what repetitions have between them.
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/structure/allowed.h"

namespace sentiric::grammar {
namespace {

void Check(const std::string& structure, const std::vector<const char*>& allowed,
           const std::vector<const char*>& refused) {
  EXPECT_EQ(StructureRefusal(structure), "");
  for (const char* text : allowed) {
    if (!StructureAllows(structure, text)) EXPECT_EQ(structure + " refuses " + text, "");
  }
  for (const char* text : refused) {
    if (StructureAllows(structure, text)) EXPECT_EQ(structure + " allows " + text, "");
  }
}

constexpr const char* kSchema =
    R"({"type":"object","properties":{"city":{"type":"string","maxLength":8},"days":{"type":)"
    R"("integer"},"note":{"type":["string","null"]},"at":{"type":"array","items":{"type":)"
    R"("string"}}},"required":["city"],"additionalProperties":false})";

TEST(Notations, MembersBetweenMarks) {
  const std::string structure =
      std::string(R"({"members":)") + kSchema +
      R"(,"begin":"<p=","raw_key_end":">","json_key_end":">","end":"</p>","after":"\n",)"
      R"("raw_names":["city"]})";
  Check(structure,
        {"<p=city>Ankara</p>\n", "<p=city></p>\n", "<p=city>12</p>\n<p=days>-3</p>\n",
         "<p=city>null</p>\n<p=note>null</p>\n", "<p=city>x</p>\n<p=note>hi \"you\"\n</p>\n",
         "<p=city>x</p>\n<p=note>\"12\"</p>\n", "<p=city>x</p>\n<p=note>- 1</p>\n",
         "<p=city>x</p>\n<p=at>[\"a</p>\", \"b\"]</p>\n"},
        {"", "<p=days>3</p>\n", "<p=city>123456789</p>\n", "<p=city>x</p>", "<p=city>a</p>b</p>\n",
         "<p=city>x</p>\n<p=note>12</p>\n", "<p=city>x</p>\n<p=note>nullx", "<p=x>1</p>\n",
         "<p=city>x</p>\n<p=city>y</p>\n", "<p=city>x</p>\n<p=days>\"3\"</p>\n"});
}

TEST(Notations, EndsOfKeysThatTell) {
  const std::string structure =
      std::string(R"({"members":)") + kSchema +
      R"(,"begin":"<p ","raw_key_end":" s>","json_key_end":" j>","end":"</p>","after":""})";
  Check(structure,
        {"<p city s>12</p>", "<p city j>\"12\"</p>", "<p city s>x</p><p note s>12</p>",
         "<p city s>x</p><p note j>null</p>", "<p city s>x</p><p note s>null</p>"},
        {"<p city j>x</p>", "<p city s>x</p><p days s>1</p>"});
}

TEST(Notations, FurtherMembers) {
  const std::string marks =
      R"(,"begin":"<","raw_key_end":">","json_key_end":">","end":"|","after":""})";
  Check(R"({"members":{"type":"object"})" + marks, {"", "<a>1|", "<a>x|<b>y|<>z|", "<\">x|"},
        {"<a>1|<a>2|", "x"});
  Check(R"({"members":{"type":"object","minProperties":2})" + marks, {"<a>x|<b>y|"}, {"", "<a>x|"});
}

TEST(Notations, TextsBetweenQuotesOfTheirOwn) {
  const std::string structure = std::string(R"({"schema":)") + kSchema + R"(,"quote":"<q>"})";
  Check(structure,
        {"{city:<q>Ankara<q>}", "{city:<q>\"<q>,days:3}", "{city:<q>a<qb<q>,note:null}",
         "{city:<q>x<q>,at:[<q>a<q>,<q>b<q>]}", "{city:<q>x<q>,at:[]}"},
        {"{}", "{\"city\":<q>x<q>}", "{city:\"x\"}", "{city: <q>x<q>}", "{city:<q>x<q>, days:3}"});
  EXPECT_EQ(StructureRefusal(R"({"schema":{"const":"a<q>"},"quote":"<q>"})"),
            "structure/schema the model's format of calls cannot write any value that is allowed "
            "here");
  EXPECT_EQ(StructureRefusal(R"({"schema":{"properties":{"a:b":{}},"required":["a:b"],"type":)"
                             R"("object"},"quote":"<q>"})"),
            "structure/schema the model's format of calls cannot write a name that contains \":\"");
}

TEST(Notations, TextBetweenRepetitions) {
  Check(R"({"repeat":{"text":"a"},"between":", "})", {"", "a", "a, a, a"}, {"aa", "a,", ", a"});
  Check(R"({"repeat":{"text":"a"},"min":1,"between":"-"})", {"a", "a-a"}, {"", "-a"});
  Check(R"({"repeat":{"text":"a"},"min":2,"max":3,"between":"-"})", {"a-a", "a-a-a"},
        {"", "a", "aa", "a-a-a-a"});
  Check(R"({"repeat":{"text":"a"},"max":2,"between":"-"})", {"", "a", "a-a"}, {"a-", "a-a-a"});
  Check(R"({"repeat":{"text":"a"},"max":1,"between":"-"})", {"", "a"}, {"a-", "-a", "a-a"});
  Check(R"({"repeat":{"text":"a"},"min":1,"max":1,"between":"-"})", {"a"}, {"", "a-", "a-a"});
}

TEST(Notations, SchemaAsText) {
  Check(R"({"schema":"{\"const\": 0.12345678901234567890123}"})", {"0.12345678901234567890123"},
        {"0.1234567890123457"});
  EXPECT_EQ(StructureRefusal(R"({"sequence":[{"schema":"{\"type\":"}]})")
                .rfind("structure/sequence/0/schema:1:", 0),
            0u);
}

TEST(Notations, Gbnf) {
  const std::string inner = R"({"gbnf":"root ::= \"<\" item{2} \">\"\nitem ::= [a-c]+ \";\""})";
  Check(inner, {"<a;b;>", "<abc;c;>"}, {"<a;>", "<a;b;"});
  Check(R"({"sequence":[{"free":["!"]},{"text":"!"},)" + inner + "," + inner + "]}",
        {"x!<a;b;><a;c;>", "!<a;b;><b;b;>"}, {"x!<a;b;>"});
  EXPECT_EQ(StructureRefusal(R"({"gbnf":"root ::= x"})").rfind("structure/gbnf", 0), 0u);
}

}  // namespace
}  // namespace sentiric::grammar
