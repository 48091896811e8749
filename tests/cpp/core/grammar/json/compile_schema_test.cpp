// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/compile_schema.h"

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/json/allowed.h"

namespace sentiric::grammar {
namespace {

struct Case {
  const char* schema;
  std::vector<const char*> allowed;
  std::vector<const char*> refused;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(Refusal(c.schema), "");
    for (const char* text : c.allowed) {
      if (!Allows(c.schema, text)) EXPECT_EQ(std::string(c.schema) + " refuses " + text, "");
    }
    for (const char* text : c.refused) {
      if (Allows(c.schema, text)) EXPECT_EQ(std::string(c.schema) + " allows " + text, "");
    }
  }
}

TEST(CompileSchema, Scalars) {
  Check({
      {"true", {"null", "true", "1", "\"a\"", "[]", "{}"}, {"", "nul", "01", "'a'", "[1,]"}},
      {R"({"type":["null","boolean"]})", {"null", "false"}, {"0", "\"null\""}},
      {R"({"type":"integer","minimum":100})", {"100", "2024"}, {"16", "99", "-100", "100.5"}},
      {R"({"type":"integer","exclusiveMinimum":99,"maximum":101})", {"100", "101"}, {"99", "102"}},
      {R"({"type":"number","minimum":0,"maximum":1})", {"0", "0.5", "1", "1.0"}, {"1.1", "-0.1"}},
      {R"({"minimum":3})", {"3", "\"a\"", "null", "[2]"}, {"2"}},
      {R"({"multipleOf":0.25})", {"0.5", "1", "-0.75"}, {"0.3"}},
      {R"({"type":"integer","nullable":true})", {"1", "null"}, {"\"a\""}},
      {R"({"type":"number","minimum":5,"exclusiveMinimum":true})", {"5.5"}, {"5", "4"}},
      {R"({"const":123456789012345678901234567890})",
       {"123456789012345678901234567890"},
       {"123456789012345678901234567891"}},
  });
}

TEST(CompileSchema, Strings) {
  Check({
      {R"({"minLength":2,"maxLength":3})",
       {R"("ab")", R"("şçğ")", R"("\u015fa")", R"("\ud83d\ude00\u0021")", "1"},
       {R"("a")", R"("abcd")", R"("\u015f")", R"("\u0061b")", R"("\ud83d")", R"("a)"}},
      {R"({"enum":["a\"b","\u007f","\\"]})",
       {R"("a\"b")", R"("a\u0022b")", "\"\x7f\"", R"("\\")"},
       {R"("a"b")", R"("\")"}},
      {R"({"type":"string","maxLength":1000000})", {R"("")", R"("abc")"}, {"1"}},
  });
}

// Every UTF-16 unit as \uXXXX, in both cases of its digits.
TEST(CompileSchema, EscapesOfRanges) {
  const auto grammar = CompileSchema(
      R"({"type":"string","pattern":"^[\\u0000-\\u0003\\u00FF-\\u2FFF\\u3456\\u4abc-\\uD001\\uFFFE\\uFFFF]$"})");
  EXPECT(grammar.ok());
  Matcher start(*grammar);
  EXPECT(start.Advance("\"\\u"));
  for (const char* format : {"%04x\"", "%04X\""}) {
    for (unsigned c = 0; c <= 0xFFFF; ++c) {
      char text[8];
      std::snprintf(text, sizeof(text), format, c);
      Matcher matcher = start;
      const bool allowed = matcher.Advance(text) && matcher.CanEnd();
      const bool meant = c <= 3 || (c >= 0xFF && c <= 0x2FFF) || c == 0x3456 ||
                         (c >= 0x4abc && c <= 0xD001) || c >= 0xFFFE;
      if (allowed != meant) EXPECT_EQ(c, 0x10000U);
    }
  }
}

TEST(CompileSchema, NamesHaveOneSpelling) {
  Check({
      {R"({"type":"object","properties":{"ab":{}}})",
       {R"({"a\"b":1})", R"({"a\nb":1})", R"({"\u0001":1})", R"({"\u001f":1,"\\":2})",
        R"({"ab":1,"abc":2,"a":3})", R"({"é😀":1})"},
       {R"({"\u0061":1})", R"({"a\/b":1})", R"({"\u000a":1})", R"({"\u001F":1})", R"({"\u0020":1})",
        R"({"\u005c":1})", R"({"abc":1,"ab":2})", R"({"a":1,"a":2})", R"({"\n":1,"\n":2})"}},
      {R"({"type":"object","patternProperties":{"^\\n":{"type":"null"},"^.":{"type":"integer"}},
           "additionalProperties":false})",
       {R"({"\nx":null,"\t":1})", R"({"\\n":1})"},
       {R"({"\nx":1})", R"({"\\n":null})", R"({"\r":1})", R"({"":1})"}},
  });
}

TEST(CompileSchema, WritesNoMemberThatCannotBeFinished) {
  Check({
      {R"({"$ref":"#/$defs/a","$defs":{
           "a":{"type":"object","properties":{"b":{"$ref":"#/$defs/b"}},"required":["b"]},
           "b":{"type":"object","properties":{"c":{"$ref":"#/$defs/c"}},"required":["c"]},
           "c":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}})",
       {R"({"b":{"c":null}})", R"({"b":{"c":{"b":{"c":null}}}})"},
       {"{}", R"({"b":{}})"}},
      {R"({"type":"object","additionalProperties":false,"minProperties":1,"properties":{
           "loop":{"type":"array","items":{"$ref":"#"},"minItems":1},"leaf":{"type":"null"}}})",
       {R"({"leaf":null})", R"({"loop":[{"leaf":null}]})"},
       {"{}", R"({"loop":[]})"}},
      {R"({"type":"object","additionalProperties":false,"properties":{"a":{},
           "never":{"type":"object","properties":{"x":{"$ref":"#/properties/never"}},
                    "required":["x"]}}})",
       {"{}", R"({"a":1})"},
       {R"({"never":{}})", R"({"a":1,"never":{)"}},
  });
  EXPECT(IsRefused(R"({"type":"object","additionalProperties":false,"minProperties":2,"properties":{
                       "a":{},"b":{"$ref":"#"}}})",
                   "json_schema", "no value is valid"));
}

TEST(CompileSchema, Objects) {
  Check({
      {R"({"properties":{"a":{"type":"integer"},"b":{}},"required":["b"]})",
       {R"({"b":1})", R"({"a":1,"b":2})", R"({ "a": 1, "b": 2, "c": 3})", R"({"b":1,"":2})"},
       {R"({"a":1})", R"({"a":"x","b":1})", R"({"b":1,"b":2})", R"({"b":1,"c":1,"c":2})"}},
      {R"({"type":"object","additionalProperties":false})", {"{}", "{ }"}, {R"({"a":1})"}},
      {R"({"type":"object","properties":{"":{"const":5}},"required":[""]})", {R"({"":5})"}, {"5"}},
      {R"({"type":"object","required":["x"],"additionalProperties":{"type":"null"}})",
       {R"({"x":null})", R"({"x":null,"y":null})"},
       {"{}", R"({"x":1})", R"({"x":null,"y":1})"}},
      {R"({"type":"object","minProperties":1,"maxProperties":2,
           "properties":{"a":{},"b":{},"c":{}}})",
       {R"({"a":1})", R"({"a":1,"c":1})", R"({"b":1,"z":1})"},
       {"{}", R"({"a":1,"b":1,"c":1})", R"({"a":1,"b":1,"z":1})"}},
      {R"({"type":"object","propertyNames":{"maxLength":2}})", {R"({"ab":1})"}, {R"({"abc":1})"}},
      {R"({"type":"object","propertyNames":{"enum":["a","b"]},"minProperties":2})",
       {R"({"a":1,"b":1})"},
       {R"({"a":1})", R"({"a":1,"c":1})"}},
      {R"({"type":"object","properties":{"a":{},"b":{}},"dependentRequired":{"a":["b"]}})",
       {"{}", R"({"b":1})", R"({"a":1,"b":1})"},
       {R"({"a":1})"}},
      {R"({"type":"object","properties":{"a":{},"b":{}},
           "dependentSchemas":{"a":{"properties":{"b":{"type":"null"}}}}})",
       {R"({"b":1})", R"({"a":1,"b":null})", R"({"a":1})"},
       {R"({"a":1,"b":1})"}},
      {R"({"properties":{"a":{}},"unevaluatedProperties":false,
           "anyOf":[{"properties":{"b":{}},"required":["b"]},{}]})",
       {R"({"a":1})", R"({"a":1,"b":1})"},
       {R"({"a":1,"c":1})"}},
  });
}

TEST(CompileSchema, Arrays) {
  Check({
      {R"({"items":{"type":"integer"},"minItems":1,"maxItems":3})",
       {"[1]", "[1,2, 3]"},
       {"[]", "[1,2,3,4]", "[\"a\"]"}},
      {R"({"prefixItems":[{"type":"string"}],"items":false})",
       {"[]", "[\"a\"]"},
       {"[1]", "[\"a\",1]"}},
      {R"({"items":[{"type":"string"}],"additionalItems":{"type":"null"}})",
       {"[\"a\",null]"},
       {"[\"a\",1]"}},
      {R"({"type":"array","contains":{"const":7},"minContains":2,"maxContains":2})",
       {"[7,7]", "[1,7,2,7]"},
       {"[7]", "[7,7,7]"}},
      {R"({"type":"array","items":{"enum":[1,2]},"uniqueItems":true})",
       {"[]", "[1]", "[2,1]"},
       {"[1,1]", "[1,2,1]"}},
      {R"({"type":"array","items":{"type":"string"},"uniqueItems":true})",
       {R"(["a","b"])"},
       {R"(["a","a"])"}},
      {R"({"type":"array","maxItems":5000,"items":{"const":0}})", {"[0,0]"}, {"[1]"}},
  });
}

TEST(CompileSchema, Combinations) {
  Check({
      {R"({"allOf":[{"type":"string"},{"maxLength":1}]})", {R"("a")"}, {"{}", R"("ab")"}},
      {R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", {"1", "2.5", R"("a")"}, {"3", "1.5"}},
      {R"({"anyOf":[{"const":1},{"const":2}],"minimum":2})", {"2"}, {"1"}},
      {R"({"not":{"type":"object","required":["a"]},"type":"object"})",
       {"{}", R"({"b":1})"},
       {R"({"a":1})"}},
      {R"({"if":{"properties":{"k":{"const":1}},"required":["k"]},"then":{"required":["v"]},
           "type":"object","properties":{"k":{},"v":{}}})",
       {R"({"k":2})", R"({"k":1,"v":0})", "{}"},
       {R"({"k":1})"}},
      {R"({"oneOf":[{"type":"object","properties":{"a":{}},"additionalProperties":false},
                    {"type":"object","properties":{"b":{}},"additionalProperties":false}]})",
       {R"({"a":1})", R"({"b":1})"},
       {"{}", R"({"a":1,"b":1})"}},
      {R"({"enum":[1,"a",null],"type":"string"})", {R"("a")"}, {"1", "null"}},
  });
}

TEST(CompileSchema, References) {
  Check({
      {R"({"$ref":"#/$defs/user_id","$defs":{"user_id":{"const":1},"user-id":{"const":2}}})",
       {"1"},
       {"2"}},
      {R"({"$defs":{"Şehir":{"const":1},"Çehir":{"const":2}},"$ref":"#/$defs/%C3%87ehir"})",
       {"2"},
       {"1"}},
      {R"({"$ref":"#x","$defs":{"a":{"$anchor":"x","type":"null"}}})", {"null"}, {"1"}},
      {R"({"$defs":{"a/b":{"const":1}},"$ref":"#/$defs/a~1b","maximum":3})", {"1"}, {"2"}},
      {R"({"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false})",
       {"{}", R"({"next":{"next":{}}})"},
       {R"({"next":1})"}},
      {R"({"default":{"$ref":"http://x/y"},"examples":[{"type":5}],"const":{"$ref":1}})",
       {R"({"$ref":1})"},
       {"1"}},
      {R"({"$id":"http://x/y.json","$ref":"y.json#/$defs/a","$defs":{"a":{"const":1}}})",
       {"1"},
       {"2"}},
  });
}

TEST(CompileSchema, NamesThePlaceOfWhatItRefuses) {
  EXPECT(IsRefused("{", "json_schema:1:2", "not JSON"));
  EXPECT(IsRefused("[]", "json_schema", "not a schema"));
  EXPECT(IsRefused(R"({"properties":{"a/b":{"type":"text"}}})", "json_schema:/properties/a~1b/type",
                   "allowed null, boolean"));
  EXPECT(IsRefused(R"({"$ref":"http://x/y"})", "json_schema:/$ref", "another document"));
  EXPECT(IsRefused(R"({"$ref":"#/nowhere"})", "json_schema:/$ref", "refers to nothing"));
  EXPECT(IsRefused(R"({"$ref":"#"})", "json_schema", "refers to itself"));
  EXPECT(IsRefused(R"({"$recursiveRef":"#"})", "json_schema:/$recursiveRef", "not supported"));
  EXPECT(
      IsRefused(R"({"minLength":-1})", "json_schema:/minLength", "an integer from 0 to 1000000"));
}

TEST(CompileSchema, RefusesWhatNoValueCanMeet) {
  for (const char* schema :
       {"false", R"({"enum":[]})", R"({"type":"string","minLength":3,"maxLength":2})",
        R"({"type":"number","minimum":3,"maximum":2})", R"({"const":1,"type":"string"})",
        R"({"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2})",
        R"({"type":"array","minItems":2,"maxItems":1})",
        R"({"type":"array","minItems":3,"uniqueItems":true,"items":{"enum":[1,2]}})",
        R"({"type":"object","required":["a"],"properties":{"a":false}})",
        R"({"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}})", R"({"not":{}})"}) {
    EXPECT(Refusal(schema).find("no value is valid") != std::string::npos);
  }
}

// Whoever walks at random always comes to an end: there is no place without a next byte.
TEST(CompileSchema, HasNoDeadEnds) {
  std::mt19937 random(1);
  for (const char* schema :
       {"true", R"({"type":"string","minLength":2,"maxLength":3})",
        R"({"type":"object","minProperties":2,"maxProperties":3,"propertyNames":{"maxLength":1}})",
        R"({"type":"array","uniqueItems":true,"items":{"enum":["a","b","ab"]},"minItems":2})",
        R"({"type":"array","contains":{"const":7},"minItems":2,"maxItems":3})",
        R"({"type":"object","properties":{"a":{},"b":{},"c":{}},"minProperties":2,
            "additionalProperties":false})",
        R"({"type":"number","minimum":1.5,"exclusiveMaximum":2})"}) {
    const auto grammar = CompileSchema(schema);
    ASSERT(grammar);
    for (int run = 0; run < 200; ++run) {
      Matcher matcher(*grammar);
      for (int i = 0; i < 60; ++i) {
        std::string next;
        for (int byte = 0; byte < 256; ++byte) {
          if (matcher.Accepts(std::string(1, static_cast<char>(byte))))
            next.push_back(static_cast<char>(byte));
        }
        if (next.empty()) {
          EXPECT(matcher.CanEnd());
          break;
        }
        EXPECT(matcher.Advance(std::string(1, next[random() % next.size()])));
      }
    }
  }
}

// Work is counted, so that the refusal does not depend on the machine.
TEST(CompileSchema, RefusesWhatTakesTooMuchWork) {
  const auto any_of = [](int first) {
    std::string schema = R"({"anyOf":[{"type":"null"})";
    for (int i = first; i < first + 300; ++i)
      schema += R"(,{"type":"object","required":["p)" + std::to_string(i) + R"("]})";
    return schema + "]}";
  };
  const std::string both = R"({"allOf":[)" + any_of(0) + "," + any_of(1000) + "]}";
  EXPECT(Refusal(both).find("too many alternatives") != std::string::npos);
  std::string patterns = R"({"patternProperties":{)";
  for (int i = 0; i < 300; ++i) {
    patterns += (i > 0 ? "," : "") + std::string("\"^a{1,") + std::to_string(i + 100) + "}b" +
                std::to_string(i) + R"(":{"type":"integer"})";
  }
  EXPECT(Refusal(patterns + "}}").find("too much work") != std::string::npos);
}

// What is made of a schema grows with the square of these lists.
TEST(CompileSchema, LongListsUnderNotAreWork) {
  std::string names, items;
  for (int i = 0; i < 5000; ++i) {
    names += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\"";
    items += i > 0 ? ",0" : "0";
  }
  for (const std::string& schema :
       {"{\"not\":{\"required\":[" + names + "]}}", "{\"not\":{\"const\":[" + items + "]}}"})
    EXPECT(Refusal(schema).find("too much work") != std::string::npos);
}

// Otherwise, each condition would double the alternatives.
TEST(CompileSchema, ConditionsOnOneMemberAreAsManyAlternatives) {
  std::string conditions;
  for (int i = 0; i < 60; ++i) {
    const std::string number = std::to_string(i);
    conditions += (i > 0 ? "," : "") +
                  std::string("{\"if\":{\"properties\":{\"t\":{\"const\":\"v") + number +
                  "\"}}},\"then\":{\"required\":[\"r" + number + "\"]}}";
  }
  const std::string schema = R"({"type":"object","required":["t"],"allOf":[)" + conditions + "]}";
  EXPECT_EQ(Refusal(schema), "");
  EXPECT(Allows(schema, R"({"t":"v7","r7":1})") && Allows(schema, R"({"t":"else"})"));
  EXPECT(!Allows(schema, R"({"t":"v7"})") && !Allows(schema, R"({"t":"v7","r8":1})"));
}

TEST(CompileSchema, NumbersThatAreEqualAreOneConst) {
  EXPECT_EQ(Refusal(R"({"allOf":[{"const":1},{"const":1.0}]})"), "");
  EXPECT_EQ(Refusal(R"({"allOf":[{"enum":[[1]]},{"const":[1.0]}]})"), "");
  EXPECT(Refusal(R"({"allOf":[{"const":1},{"const":"1"}]})") != "");
  Check({{R"({"const":"a","not":{"const":"b"}})", {"\"a\""}, {"\"b\""}},
         {R"({"anyOf":[{"type":"null"},{"allOf":[{"const":2},{"not":{"enum":[2.0]}}]}]})",
          {"null"},
          {"2"}}});
}

TEST(CompileSchema, WritesEqualLeavesOnce) {
  const auto size = [](const std::string& second) {
    const auto grammar = CompileSchema(
        R"({"type":"object","properties":{"a":{"type":"integer","description":"x"},"b":)" + second +
        R"(},"additionalProperties":false})");
    return grammar ? (*grammar)->ByteSize() : 0;
  };
  EXPECT(size(R"({"description":"y","type":"integer"})") + 1000 < size(R"({"type":"number"})"));
  EXPECT(!Allows(R"({"properties":{"a":{"maximum":1},"b":{"maximum":2}}})", R"({"a":2})"));
  EXPECT(Allows(R"({"properties":{"a":{"enum":["1"]},"b":{"enum":[1]}}})", R"({"b":1})"));
}

TEST(CompileSchema, IsLinearInManyProperties) {
  std::string schema = R"({"type":"object","properties":{)";
  for (int i = 0; i < 3000; ++i)
    schema += (i > 0 ? "," : "") + std::string("\"p") + std::to_string(i) + R"(":{"type":"null"})";
  schema += "}}";
  EXPECT(Allows(schema, R"({"p0":null,"p2999":null,"x":1})"));
  EXPECT(!Allows(schema, R"({"p2":null,"p1":null})"));
}

}  // namespace
}  // namespace sentiric::grammar
