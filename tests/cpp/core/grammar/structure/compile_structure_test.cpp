// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/structure/compile_structure.h"

#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/structure/allowed.h"

namespace sentiric::grammar {
namespace {

struct Case {
  const char* structure;
  std::vector<const char*> allowed;
  std::vector<const char*> refused;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(StructureRefusal(c.structure), "");
    for (const char* text : c.allowed) {
      if (!StructureAllows(c.structure, text))
        EXPECT_EQ(std::string(c.structure) + " refuses " + text, "");
    }
    for (const char* text : c.refused) {
      if (StructureAllows(c.structure, text))
        EXPECT_EQ(std::string(c.structure) + " allows " + text, "");
    }
  }
}

TEST(CompileStructure, Parts) {
  Check({
      {R"({"text":"a\n\u00e7"})", {"a\nç"}, {"", "a", "a\nçb"}},
      {R"({"text":""})", {""}, {"a"}},
      {R"({"sequence":[]})", {""}, {"a"}},
      {R"({"sequence":[{"text":"a"},{"text":"b"}]})", {"ab"}, {"a", "ba", "abb"}},
      {R"({"choice":[{"text":"a"},{"text":"ab"}]})", {"a", "ab"}, {"", "b"}},
      {R"({"regex":"a{2,3}|x"})", {"aa", "aaa", "x"}, {"a", "aaaa", "xx"}},
  });
}

TEST(CompileStructure, Repetitions) {
  Check({
      {R"({"repeat":{"text":"ab"}})", {"", "ab", "ababab"}, {"a", "aba"}},
      {R"({"repeat":{"text":"ab"},"min":1})", {"ab", "abab"}, {"", "ba"}},
      {R"({"repeat":{"text":"a"},"min":2,"max":3})", {"aa", "aaa"}, {"", "a", "aaaa"}},
      {R"({"repeat":{"text":"a"},"min":2})", {"aa", "aaaaaa"}, {"", "a"}},
      {R"({"repeat":{"text":"a"},"max":1})", {"", "a"}, {"aa"}},
      {R"({"repeat":{"text":"a"},"max":0})", {""}, {"a"}},
      {R"({"repeat":{"text":""},"min":5,"max":9})", {""}, {"a"}},
      {R"({"repeat":{"repeat":{"choice":[{"text":"a"},{"text":""}]}},"min":3})",
       {"", "aaa"},
       {"b"}},
      {R"({"repeat":{"sequence":[{"repeat":{"text":"a"},"min":1,"max":2},{"text":"b"}]},"max":2})",
       {"", "ab", "aab", "aabab"},
       {"b", "aaab", "ababab"}},
      {R"({"repeat":{"free":["x"]},"min":2,"max":4})", {"", "abc", "ç"}, {"x", "abx"}},
  });
}

TEST(CompileStructure, FreeText) {
  Check({
      {R"({"free":[]})", {"", "any", "çok ğüzel\n\x01", "😀"}, {"\xff", "\xc3"}},
      {R"({"free":["<tool>"]})", {"", "<tool", "<<tool <too>"}, {"<tool>", "a<tool>b", "<<tool>"}},
      {R"({"free":["ab","b"]})", {"a", "aaa"}, {"b", "ab"}},
      {R"({"free":["ş","şa"]})", {"s", "ğ", "a"}, {"ş", "aşa"}},
      {R"({"free":["abab","bac"]})", {"aba", "abba", "bab"}, {"abab", "abac"}},
  });
}

// Text that contains the marker can only be the marker's way.
TEST(CompileStructure, FreeTextBeforeItsMarker) {
  constexpr const char* kCalls =
      R"({"sequence":[{"free":["<call>"]},{"repeat":{"sequence":[{"text":"<call>"},)"
      R"({"schema":{"enum":[1,2]}},{"text":"</call>"},{"free":["<call>"]}]}}]})";
  Check({{kCalls,
          {"", "hello", "<call>1</call>", "a <<call>2</call> b <call>1</call>", "</call>", "<cal"},
          {"<call>", "<call>3</call>", "<call>1</call", "x<call>hello", "<call>1</call><call>"}}});
}

TEST(CompileStructure, Schemas) {
  Check({
      {R"({"schema":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"required":["n"],)"
       R"("additionalProperties":false,"$defs":{"n":{"type":"integer","minimum":3}}}})",
       {R"({"n":3})", R"({ "n": 12 })"},
       {R"({"n":2})", "{}", R"({"n":3} )"}},
      {R"({"schema":true})", {"null", "[1, 2]"}, {"", "nul"}},
      {R"({"choice":[{"schema":{"type":"null"}},{"schema":{"type":"boolean"}}]})",
       {"null", "true"},
       {"1"}},
  });
}

TEST(CompileStructure, RawStrings) {
  Check({
      {R"({"raw":{"type":"string"}})", {"", "a\"b\\\n", "ğ"}, {"\xff"}},
      {R"({"raw":{}, "without":["</p>"]})", {"", "</p", "a\n\"b\""}, {"</p>", "x</p>"}},
      {R"({"raw":{"type":["string","null"],"minLength":2,"maxLength":3}})",
       {"ab", "şçğ"},
       {"", "a", "abcd", "null"}},
      {R"({"raw":{"enum":["x","y\"z",1,null]}})", {"x", "y\"z"}, {"1", "null", "\"x\""}},
      {R"({"raw":{"const":"x"}})", {"x"}, {"", "y"}},
      {R"({"raw":{"pattern":"^a+$"},"without":["aaa"]})", {"a", "aa"}, {"", "aaa", "b"}},
      {R"({"raw":{"format":"date"}})", {"2024-02-29"}, {"2023-02-29", "x"}},
      {R"({"raw":{"anyOf":[{"maxLength":1},{"pattern":"^bb$"}]}})", {"", "a", "bb"}, {"ab"}},
      {R"({"sequence":[{"raw":{"maxLength":4},"without":["\n<"]},{"text":"\n<"}]})",
       {"\n<", "ab\n<", "abcd\n<", "\n\n<"},
       {"abcde\n<", "\n<\n<"}},
  });
}

TEST(CompileStructure, LargeBounds) {
  const std::string structure =
      R"({"sequence":[{"raw":{"maxLength":524288},"without":["</p>"]},{"text":"</p>"}]})";
  EXPECT(StructureAllows(structure, std::string(1000, 'a') + "</p>"));
}

TEST(CheckStructures, SayWhatIsWrongAndShareABudget) {
  const std::string good = R"({"schema":{"type":"integer"}})";
  const std::string bad = R"({"schema":{"$ref":"http://elsewhere/x"}})";
  const std::string costly = R"({"schema":{"type":"string","pattern":"^(a|b)*a(a|b){12}$"}})";
  const std::vector<std::string> few = CheckStructures({good, bad, good});
  EXPECT_EQ(few[0] + few[2], "");
  EXPECT(few[1].find("structure/schema") != std::string::npos);
  for (const std::string& each : {costly, bad}) {
    std::vector<std::string> many(64, each);
    many.push_back(good);
    const std::vector<std::string> problems = CheckStructures(many);
    EXPECT_EQ(problems.front().empty(), each == costly);
    EXPECT(!problems.back().empty());  // nothing is left for it
    many.erase(many.begin() + 8, many.end() - 1);
    EXPECT_EQ(CheckStructures(many).back(), "");
  }
}

}  // namespace
}  // namespace sentiric::grammar
