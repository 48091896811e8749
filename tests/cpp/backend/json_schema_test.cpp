// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/json_schema.h"

#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/grammar.h"
#include "core/grammar/matcher.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

Result<std::string> Convert(const std::string& schema) {
  Result<std::string> result = std::string();
  (void)testing::Pool().Run([&] { result = JsonSchemaToGbnf(schema); });
  return result;
}

// The grammar of a schema, compiled as requests compile it.
std::shared_ptr<const grammar::Grammar> Compile(const std::string& gbnf) {
  auto compiled = grammar::Compile(gbnf, grammar::Limits::ForSchema());
  return compiled.ok() ? compiled.value() : nullptr;
}

bool Matches(const std::string& gbnf, const std::string& text) {
  const auto compiled = Compile(gbnf);
  if (!compiled) return false;
  grammar::Matcher matcher(compiled);
  return matcher.Advance(text) && matcher.CanEnd();
}

bool IsRefused(const std::string& schema, const std::string& reason) {
  const auto result = Convert(schema);
  if (result.ok()) return false;
  return result.error().code == ErrorCode::kInvalidGrammar &&
         result.error().where == "json_schema" &&
         result.error().what.find(reason) != std::string::npos;
}

std::string Properties(int count, int name_bytes) {
  std::string schema = R"({"type":"object","properties":{)";
  for (int i = 0; i < count; ++i) {
    std::string name = "p" + std::to_string(i);
    name.resize(static_cast<std::size_t>(name_bytes), 'x');
    schema += (i > 0 ? ",\"" : "\"") + name + R"(":{"type":"string"})";
  }
  return schema + "}}";
}

std::string Required(int count) {
  std::string names;
  for (int i = 0; i < count; ++i) names += (i > 0 ? ",\"p" : "\"p") + std::to_string(i) + "xx\"";
  std::string schema = R"({"type":"object","required":[)" + names + R"(],"properties":{)";
  for (int i = 0; i < count; ++i) {
    schema += (i > 0 ? ",\"p" : "\"p") + std::to_string(i) + R"(xx":{"type":"null"})";
  }
  return schema + "}}";
}

// The same object so many times in one allOf.
std::string AllOf(int times, int properties) {
  std::string schema = R"({"$defs":{"a":)" + Properties(properties, 8) + R"(},"allOf":[)";
  for (int i = 0; i < times; ++i)
    schema += i > 0 ? R"(,{"$ref":"#/$defs/a"})" : R"({"$ref":"#/$defs/a"})";
  return schema + "]}";
}

// count levels of `open` around `core`, closed by as many `close`.
std::string Nested(const std::string& open, const std::string& core, const std::string& close,
                   int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += open;
  text += core;
  for (int i = 0; i < count; ++i) text += close;
  return text;
}

TEST(JsonSchema, ConvertsWhatItSays) {
  const auto gbnf = Convert(
      R"({"type":"object","properties":{"name":{"type":"string","maxLength":5},
          "age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],
          "additionalProperties":false})");
  ASSERT(gbnf.ok());
  EXPECT(Matches(*gbnf, R"({"name":"Ada","age":36})"));
  EXPECT(!Matches(*gbnf, R"({"name":"Adelaide","age":36})"));
  EXPECT(!Matches(*gbnf, R"({"name":"Ada","age":151})"));
  EXPECT(!Matches(*gbnf, R"({"name":"Ada"})"));
  EXPECT(!Matches(*gbnf, R"([])"));
}

TEST(JsonSchema, AnyObjectIsAnObject) {
  const std::string& gbnf = JsonObjectGbnf();
  EXPECT(grammar::Compile(gbnf, grammar::Limits::ForClient()).ok());
  for (const char* good : {"{}", "{ }", R"({"a": [1, -2.5e3, {"b": null}], "c": "\u00e9\n"})",
                           "{\n  \"a\": true,\n  \"b\": false\n}"}) {
    EXPECT(Matches(gbnf, good));
  }
  for (const char* bad : {"", "[]", "1", "{", "{a:1}", R"({"a":01})", R"({"a":1} )",
                          "{\"a\":\"\n\"}", R"({"a":1,})", "{     }"}) {
    EXPECT(!Matches(gbnf, bad));
  }
}

TEST(JsonSchema, LocalReferencesMayRecurse) {
  const auto list = Convert(
      R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},
          "next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"]}}})");
  ASSERT(list.ok());
  EXPECT(Matches(*list, R"({"v":1,"next":{"v":2,"next":null}})"));
  EXPECT(!Matches(*list, R"({"v":1,"next":{"v":2}})"));
}

TEST(JsonSchema, CirclesAreRefused) {
  EXPECT(IsRefused(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}})", "circle"));
  EXPECT(IsRefused(R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"$ref":"#/$defs/b"},
                      "b":{"$ref":"#/$defs/a"}}})",
                   "circle"));
  // Left recursion through a choice ends in the converter; the grammar compiler refuses it.
  const auto choice = Convert(
      R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}})");
  EXPECT(!choice.ok() || !Compile(*choice));
  const auto all =
      Convert(R"({"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"}]}}})");
  EXPECT(!all.ok() || true);
}

TEST(JsonSchema, RefusesWhatItCannotPromise) {
  EXPECT(IsRefused("", "not valid JSON"));
  EXPECT(IsRefused("{", "not valid JSON"));
  EXPECT(IsRefused("[]", "must be an object"));
  EXPECT(IsRefused(R"({"type":"thing"})", "unrecognized type"));
  EXPECT(IsRefused(R"({"$ref":"https://example.com/s.json"})", "local"));
  EXPECT(IsRefused(R"({"$ref":"#/nowhere"})", "nowhere"));
  EXPECT(IsRefused(R"({"type":"string","pattern":"a+"})", "pattern"));
  EXPECT(IsRefused(R"({"type":"string","pattern":"^(?=a)b$"})", "pattern"));
  EXPECT(IsRefused(R"({"type":"string","pattern":"^(a$"})", "pattern"));
  EXPECT(!IsRefused(R"({"type":"string","pattern":"^[a-z]{2,5}(-[0-9]+)?$"})", ""));
}

TEST(JsonSchema, LimitsHoldAtAndOver) {
  EXPECT(Convert(Properties(120, 40)).ok());
  EXPECT(IsRefused(Properties(121, 40), "optional properties"));
  EXPECT(Convert(Required(256)).ok());
  EXPECT(IsRefused(Required(257), "properties"));
  EXPECT(Convert(AllOf(2, 60)).ok());
  EXPECT(IsRefused(AllOf(3, 60), "allOf"));
  EXPECT(IsRefused(std::string(SchemaLimits::kBytes + 1, ' '), "bytes"));
  EXPECT(Convert("{\"description\":\"" + std::string(60000, '[') + "\"}").ok());
  const auto arrays = [](int depth) {
    return Nested(R"({"type":"array","items":)", R"({"type":"null"})", "}", depth);
  };
  EXPECT(Convert(arrays(63)).ok());
  EXPECT(IsRefused(arrays(64), "nested deeper"));
  EXPECT(Convert(R"({"type":"string","maxLength":1000})").ok());
  EXPECT(IsRefused(R"({"type":"string","maxLength":1001})", "maxLength"));
  EXPECT(IsRefused(R"({"type":"array","minItems":99999999999})", "minItems"));
  EXPECT(IsRefused(R"({"type":"array","minItems":1e300})", "minItems"));
  EXPECT(IsRefused(R"({"type":"integer","minimum":-1e30})", "minimum"));
  EXPECT(
      IsRefused(R"({"type":"string","pattern":"^)" + std::string(600, 'a') + "$\"}", "too long"));
}

TEST(JsonSchema, EnumsAreCounted) {
  const auto with_values = [](int count) {
    std::string schema = R"({"enum":[0)";
    for (int i = 1; i < count; ++i) schema += "," + std::to_string(i);
    return schema + "]}";
  };
  EXPECT(Convert(with_values(4096)).ok());
  EXPECT(IsRefused(with_values(4097), "enum"));
}

TEST(JsonSchema, WorstCasesStayQuick) {
  std::string references = R"({"type":"object","$defs":{"a":)" + Properties(100, 40) +
                           R"(},"anyOf":[{"$ref":"#/$defs/a"})";
  for (int i = 0; i < 200; ++i)
    references += R"(,{"$ref":"#/anyOf/)" + std::to_string(i / 2) + "\"}";
  references += "]}";
  const std::vector<std::string> schemas = {
      Properties(120, 200),
      Required(256),
      AllOf(200, 60),
      Nested(R"({"type":["object","array"],"properties":{"a":)", "{}", "}}", 31),
      Nested(R"({"properties":{")" + std::string(250, '!') + "\":", "{}", "}}", 31),
      Nested(R"({"properties":{")" + std::string(200, '!') + "\":", Properties(100, 100), "}}", 28),
      Nested(R"({"type":"array","items":)", R"({"type":"string"})", "}", 63),
      references,
  };
  for (const std::string& schema : schemas) {
    (void)Convert(schema);  // under 100 ms on an idle machine; what is missed here takes minutes
  }
}

}  // namespace
}  // namespace sentiric::backend
