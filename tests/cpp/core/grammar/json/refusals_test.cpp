// SPDX-License-Identifier: AGPL-3.0-only
// Where and why schemas are refused.
#include <string>

#include "check.h"
#include "core/grammar/json/allowed.h"

namespace sentiric::grammar {
namespace {

struct Case {
  std::string schema;
  const char* where;  // behind "json_schema"
  const char* what;   // a part of it
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const auto grammar = CompileSchema(c.schema);
    if (grammar) {
      EXPECT_EQ(c.schema, "is refused");
      continue;
    }
    EXPECT_EQ(grammar.error().where, std::string("json_schema") + c.where);
    if (grammar.error().what.find(c.what) == std::string::npos)
      EXPECT_EQ(c.schema + ": " + grammar.error().what, c.what);
  }
}

TEST(Refusals, SayWhichKeywordsLeaveNoValue) {
  Check({
      {R"({"type":"object","required":["b"],"additionalProperties":false})", ":/required",
       R"(the member "b" is required, which `additionalProperties` false does not allow)"},
      {R"({"type":"object","required":["a","b"],"properties":{"a":{}},
           "additionalProperties":false})",
       ":/required",
       R"(the member "b" is required, which `additionalProperties` false and `properties` do not)"},
      {R"({"type":"string","minLength":5,"maxLength":2})", "",
       "no value is valid: `minLength` 5 and `maxLength` 2 contradict each other"},
      {R"({"type":"object","minProperties":3,"maxProperties":2})", "",
       "`minProperties` 3 and `maxProperties` 2"},
      {R"({"type":"object","minProperties":2,"properties":{"a":{}},"additionalProperties":false})",
       "", "`minProperties` 2, `properties` and `additionalProperties` false contradict"},
      {R"({"enum":[1,2],"type":"string","title":"x"})", "", "`enum` and `type` string contradict"},
      {R"({"enum":[]})", ":/enum", "`enum` is empty"},
      {R"({"type":"string","pattern":"^a$","minLength":3})", "",
       R"(`pattern` "^a$" and `minLength` 3 contradict)"},
      {R"({"type":"array","minItems":3,"uniqueItems":true,"items":{"enum":[1,2]}})", "",
       "`minItems` 3, `uniqueItems` true and `items` contradict"},
      {R"({"allOf":[{"type":"string"},{"maxLength":3},{"type":"integer"}]})", ":/allOf",
       "`allOf/0` and `allOf/2` contradict each other"},
      {R"({"oneOf":[{"type":"string"},{"type":"string"}]})", ":/oneOf", "`oneOf` allows none"},
      {R"({"not":{}})", ":/not", "`not` allows none"},
      {"false", "", "`false` allows none"},
      {R"({"type":"object","required":["a\nb\u007f"],"additionalProperties":false})", ":/required",
       R"(the member "a\u000ab\u007f" is required)"},
  });
}

TEST(Refusals, NamesOfSeveralSchemas) {
  Check({
      {R"({"$defs":{"a":{"$anchor":"x","type":"null"},"b":{"$anchor":"x"}},"$ref":"#x"})", ":/$ref",
       "refers to a name that several schemas have; got #x"},
      {R"({"$defs":{"a":{"$id":"y"},"b":{"$id":"y","type":"null"}},"items":{"$ref":"y"}})",
       ":/items/$ref", "refers to a name that several schemas have"},
      {R"({"allOf":[{}],"items":{"$ref":"#/allOf/00"}})", ":/items/$ref", "refers to nothing"},
  });
  EXPECT(CompileSchema(R"({"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}})").ok());
  EXPECT(CompileSchema(R"({"$defs":{"a":{"$anchor":"x","$dynamicAnchor":"x"}},"$ref":"#x"})").ok());
  EXPECT(CompileSchema(R"({"allOf":[{}],"items":{"$ref":"#/allOf/0"}})").ok());
}

TEST(Refusals, NameTheDeepestSchemaWithoutAValue) {
  Check({
      {R"({"type":"object","required":["x"],"properties":{
           "x":{"type":"string","minLength":5,"maxLength":2}}})",
       ":/properties/x",
       R"(`minLength` 5 and `maxLength` 2 contradict each other; the member "x" is required)"},
      {R"({"type":"object","required":["a"],"properties":{"a":false}})", ":/properties/a",
       R"(`false` allows none; the member "a" is required)"},
      {R"({"type":"array","minItems":1,"items":{"enum":[1],"type":"null"}})", ":/items",
       "`enum` and `type` null"},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{},{"const":1,"type":"null"}]}}})",
       ":/$defs/a/allOf/1", "`const` 1 and `type` null"},
      {R"({"$id":"http://x/a.json","type":"null","allOf":[{"$ref":"b.json"}],
           "$defs":{"b":{"$id":"b.json","type":"string"}}})",
       "", "`type` null and `allOf` contradict each other"},
      {R"({"anyOf":[{"enum":[]},{"const":1,"type":"null"}]})", ":/anyOf/0/enum",
       "`enum` is empty; no branch of `anyOf` has one"},
      {R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","required":["next"],
           "properties":{"next":{"$ref":"#/$defs/n"}}}}})",
       ":/$defs/n/properties/next", "it holds itself without an end"},
  });
}

// An alternative or a member that can never be there is left out.
TEST(Refusals, WhatMayBeLeftOutIsNoReason) {
  EXPECT(Allows(R"({"type":"object","properties":{"x":{"enum":[]},"y":{}}})", R"({"y":1})"));
  EXPECT(!Allows(R"({"type":"object","properties":{"x":{"enum":[]}}})", R"({"x":1})"));
  EXPECT(Allows(R"({"anyOf":[{"enum":[]},{"type":"null"}]})", "null"));
  EXPECT(Allows(R"({"type":"array","items":false})", "[]"));
}

TEST(Refusals, EndWhenASchemaIsLarge) {
  std::string deep, properties;
  for (int i = 0; i < 95; ++i) deep += R"({"type":"object","properties":{"a":)";
  deep += R"({"enum":[]})";
  for (int i = 0; i < 95; ++i) deep += R"(},"required":["a"]})";
  EXPECT(Refusal(deep).find("no value is valid") != std::string::npos);
  for (int i = 0; i < 30'000; ++i)
    properties += "\"p" + std::to_string(i) + R"(":{"type":"string"},)";
  Check({{R"({"type":"object","properties":{)" + properties +
              R"("z":{"enum":[1],"type":"null"}},"required":["z"]})",
          ":/properties/z", "no value is valid; the member \"z\" is required"}});
}

TEST(Refusals, NameTheValueThatIsNoSchema) {
  Check({
      {R"({"properties":{"a":null}})", ":/properties/a", "got null, allowed a schema"},
      {R"({"patternProperties":{"a/b":1}})", ":/patternProperties/a~1b", "got 1, allowed a schema"},
      {R"({"$defs":{"a":[]},"type":"null"})", ":/$defs/a", "got an array, allowed a schema"},
      {R"({"allOf":[{},"x"]})", ":/allOf/1", R"(got "x", allowed a schema)"},
      {R"({"items":[{},null]})", ":/items/1", "got null, allowed a schema"},
      {R"({"dependencies":{"a":{},"b":["c",1]}})", ":/dependencies/b/1", "got 1, allowed a string"},
      {R"({"dependentRequired":{"a":"b"}})", ":/dependentRequired/a", "an array of distinct names"},
      {R"({"required":["a","b","a"]})", ":/required/2", R"(got "a", allowed a name once)"},
      {R"({"properties":[]})", ":/properties", "got an array, allowed an object of schemas"},
      {R"({"patternProperties":{"(":{}}})", ":/patternProperties/(", "an unterminated group"},
  });
}

TEST(Refusals, NameTheKeywordWithoutAnOpposite) {
  Check({
      {R"({"not":{"format":"email"}})", ":/not/format", "the opposite of the format email"},
      {R"({"properties":{"a":{"format":"email"},"b":{"not":{"format":"email"}}}})",
       ":/properties/b/not/format", "the format email"},
      {R"({"if":{"properties":{"a":{"format":"uri"}}},"then":{"required":["b"]}})",
       ":/if/properties/a/format", "the format uri"},
      {R"({"oneOf":[{"type":"string"},{"format":"time"}]})", ":/oneOf/1/format", "the format time"},
      {R"({"not":{"$ref":"#/$defs/m"},"$defs":{"m":{"format":"time"}}})", ":/$defs/m/format",
       "the format time"},
      {R"({"not":{"uniqueItems":true,"type":"array"}})", ":/not/uniqueItems",
       "the opposite of uniqueItems"},
      {R"({"properties":{"a":{"type":"array","uniqueItems":true}}})", ":/properties/a/uniqueItems",
       "allowed items of the types null, boolean, number and string"},
      {R"({"$dynamicRef":"#x"})", ":/$dynamicRef", "refers to nothing"},
      {R"({"$dynamicRef":"http://x/y"})", ":/$dynamicRef", "another document"},
  });
}

TEST(Refusals, SayWhatToDoAboutALimit) {
  Check({
      {R"({"pattern":"(a|b|ab){1,3000}c"})", ":/pattern",
       "too many steps to compile a pattern; got "},
      {R"({"pattern":"(a|b|ab){1,3000}c"})", ":/pattern", "smaller or lower its bounds"},
      {R"({"format":"iri"})", ":/format", "leave it out or write a pattern"},
      {R"({"pattern":"(?i)a"})", ":/pattern", "write both cases: [aA]"},
  });
}

}  // namespace
}  // namespace sentiric::grammar
