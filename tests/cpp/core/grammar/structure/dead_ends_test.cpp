// SPDX-License-Identifier: AGPL-3.0-only
// Nothing leads to a name that cannot be written, because it has the mark that ends it or is there
// already.
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/structure/allowed.h"

namespace sentiric::grammar {
namespace {

constexpr const char* kMarks =
    R"(,"begin":"<","raw_key_end":">","json_key_end":">","end":"|","after":""})";
constexpr const char* kLongMarks =
    R"(,"begin":"<p ","raw_key_end":"> a","json_key_end":"> b","end":"</p>","after":""})";

std::string Marked(const std::string& schema) { return R"({"members":)" + schema + kMarks; }
std::string Between(const std::string& schema) {
  return R"({"schema":)" + schema + R"(,"quote":"|"})";
}

std::string ObjectOf(const std::string& pattern, const std::string& more = "") {
  return R"({"type":"object","additionalProperties":false,"patternProperties":{")" + pattern +
         R"(":{"enum":["v"]}})" + more + "}";
}

// What may come behind `before`; "refused" when that may not come.
std::string Behind(const std::string& structure, const std::string& before) {
  const auto grammar = CompileStructure(structure);
  EXPECT_EQ(grammar ? "" : grammar.error().Message(), "");
  if (!grammar) return "";
  Matcher matcher(*grammar);
  if (!matcher.Advance(before)) return "refused";
  std::string next = matcher.CanEnd() ? "." : "";
  for (char c = ' '; c <= '~'; ++c) {
    if (matcher.Accepts({&c, 1})) next += c;
  }
  return next;
}

TEST(DeadEnds, NamesThatCannotBeWrittenAreNotBegun) {
  EXPECT_EQ(Behind(Marked(ObjectOf("^x>")), ""), ".");
  EXPECT_EQ(Behind(Between(ObjectOf("^x:")), "{"), "}");
  const std::string few = ObjectOf("^(a|b|x>.*)$");
  EXPECT_EQ(Behind(Marked(few), ""), ".<");
  EXPECT_EQ(Behind(Marked(few), "<"), "ab");
  EXPECT_EQ(Behind(Marked(few), "<a>v|<b>v|"), ".");
  EXPECT_EQ(Behind(Between(ObjectOf("^(a|b|x:.*)$")), "{a:|v|,b:|v|"), "}");
}

TEST(DeadEnds, NamesThatAreThereAreNotBegunAgain) {
  const std::string some = ObjectOf("^(a|b+)$");
  EXPECT_EQ(Behind(Marked(some), "<a>v|<"), "b");
  EXPECT_EQ(Behind(Between(some), "{a:|v|,"), "b");
  EXPECT_EQ(Behind(R"({"schema":)" + some + "}", R"({"a":"v",")"), "b");
  // Behind "b" only the whole end of a name could come.
  const std::string long_end =
      R"(,"begin":"<","raw_key_end":" is ","json_key_end":" is ","end":"|","after":""})";
  EXPECT_EQ(Behind(R"({"members":)" + some + long_end, "<b is v|<b"), "b");
}

TEST(DeadEnds, MembersThatMustBeThereAndCannotAreRefused) {
  const std::string refusal =
      " the model's format of calls cannot write any value that is allowed here";
  const std::string two = R"(,"minProperties":2)";
  for (const char* pattern : {"^x>", "^(a|x>.*)$"})
    EXPECT_EQ(StructureRefusal(Marked(ObjectOf(pattern, two))), "structure/members" + refusal);
  for (const char* pattern : {"^x:", "^(a|x:.*)$"})
    EXPECT_EQ(StructureRefusal(Between(ObjectOf(pattern, two))), "structure/schema" + refusal);
}

TEST(DeadEnds, JsonWithinMarksHasAllNames) {
  const std::string schema =
      R"({"type":"object","additionalProperties":false,"patternProperties":{"^[ax]":{"$ref":"#"}}})";
  EXPECT_EQ(Behind(Marked(schema), R"(<a>{"x>":{}}|)"), ".<");
  EXPECT_EQ(Behind(Marked(schema), R"(<a>{"x>":{}}|<x>{"a":{}})"), "|");
  EXPECT_EQ(Behind(Marked(schema), "<a>{}|<a>"), "refused");
}

class Random {
 public:
  explicit Random(unsigned seed) : random_(seed) {}
  unsigned Below(unsigned n) { return random_() % n; }

  std::string Schema(int depth) {
    std::string properties, required;
    for (const char* name : {"\"a\"", "\"b\""}) {
      if (Below(2) == 0) continue;
      properties += (properties.empty() ? "" : ",") + std::string(name) + ":" + Value(depth);
      if (Below(3) == 0) required += (required.empty() ? "" : ",") + std::string(name);
    }
    std::string schema = R"({"type":"object","properties":{)" + properties + R"(},"required":[)" +
                         required + R"(],"patternProperties":{)" + Patterns(depth) +
                         R"(},"additionalProperties":)" + (Below(4) == 0 ? Value(0) : "false");
    if (Below(2) == 0) schema += R"(,"minProperties":)" + std::to_string(Below(4));
    if (Below(2) == 0) schema += R"(,"maxProperties":)" + std::to_string(1 + Below(4));
    return schema + "}";
  }

 private:
  std::string Value(int depth) {
    if (depth > 0 && Below(3) == 0) return Schema(depth - 1);
    return Below(2) == 0 ? R"({"enum":["v","1"]})" : R"({"enum":["v",1,null]})";
  }

  std::string Patterns(int depth) {
    static const std::vector<std::string> kPatterns = {
        "^x>",           "^x:", "^(c|x>.*)$", "^(c|x:.*)$", "^(c|d|[>:]x*)$",
        "^[ab>:]{1,2}$", ">$",  ":$",         "^x",         "^c*$"};
    std::string patterns;
    for (unsigned i = Below(3); i > 0; --i) {
      patterns += "\"" + kPatterns[Below(static_cast<unsigned>(kPatterns.size()))] +
                  "\":" + Value(depth) + (i > 1 ? "," : "");
    }
    return patterns;
  }

  std::mt19937 random_;
};

// Goes on with random characters, mostly with some that matter. Where nothing may come; empty when
// that was nowhere.
std::string DeadEnd(Matcher matcher, Random* random) {
  const std::string usual = "abcdx<>:|{}\",v";
  std::string text;
  while (text.size() < 60) {
    std::string allowed, common;
    for (char c = ' '; c <= '~'; ++c) {
      if (!matcher.Accepts({&c, 1})) continue;
      allowed += c;
      if (usual.find(c) != std::string::npos) common += c;
    }
    if (allowed.empty()) return matcher.CanEnd() ? "" : "behind " + text;
    if (!common.empty() && random->Below(8) > 0) allowed = common;
    text += allowed[random->Below(static_cast<unsigned>(allowed.size()))];
    EXPECT(matcher.Advance(text.substr(text.size() - 1)));
  }
  return "";
}

TEST(DeadEnds, RandomObjectsHaveNone) {
  int num_compiled = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const std::string schema = random.Schema(1);
    for (const std::string& structure : {Marked(schema), R"({"members":)" + schema + kLongMarks,
                                         Between(schema), R"({"schema":)" + schema + "}"}) {
      const auto grammar = CompileStructure(structure);
      if (!grammar) continue;
      ++num_compiled;
      for (int walk = 0; walk < 6; ++walk) {
        const std::string dead_end = DeadEnd(Matcher(*grammar), &random);
        if (dead_end.empty()) continue;
        EXPECT_EQ(structure + " has a dead end " + dead_end, "");
        return;
      }
    }
  }
  EXPECT(num_compiled > 800);
}

}  // namespace
}  // namespace sentiric::grammar
