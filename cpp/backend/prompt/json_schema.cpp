// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/json_schema.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "backend/prompt/json_schema_check.h"
#include "json-schema-to-grammar.h"
#include "json-schema.h"
#include "json.h"

namespace sentiric::backend {
namespace {

constexpr std::size_t kMaxReasonBytes = 300;

Error SchemaError(std::string what) {
  return {ErrorCode::kInvalidGrammar, "json_schema", std::move(what)};
}

// One line of bounded length, without the converter's heading.
std::string Reason(std::string text) {
  const std::string heading = "JSON schema conversion failed:";
  if (text.rfind(heading, 0) == 0) text.erase(0, heading.size());
  const std::size_t begin = text.find_first_not_of(" \n");
  text = begin == std::string::npos ? "the schema cannot be converted"
                                    : text.substr(begin, kMaxReasonBytes);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Thrown to leave the converter before it prints a warning to stderr.
struct ProbeDone {};

// The converter replaces a pattern that it cannot express by "any string" and only warns. It then
// adds its rule "string", which is how we notice.
bool IsPatternSupported(const std::string& pattern) {
  bool supported = true;
  try {
    (void)build_grammar([&](const common_grammar_builder& builder) {
      common_chat_schema_string schema;
      schema.pattern = pattern;
      (void)builder.add_schema("probe", schema);
      supported = builder.add_rule("string", "\"probe\"") == "string";
      throw ProbeDone();
    });
  } catch (const ProbeDone&) {
  }
  return supported;
}

Result<std::string> Convert(std::string_view text) {
  const common_json schema = common_json::parse(std::string(text));
  SchemaChecker checker(schema);
  if (Status bad = checker.Check()) return *bad;
  for (const std::string& pattern : checker.patterns()) {
    if (IsPatternSupported(pattern)) continue;
    return SchemaError(
        "a pattern is not supported; it must begin with ^, end with $ and contain no look-around, "
        "back-reference or character class like \\d");
  }
  return json_schema_to_grammar(schema, /*force_gbnf=*/true);
}

}  // namespace

Result<std::string> JsonSchemaToGbnf(std::string_view schema) {
  if (Status bad = CheckSchemaText(schema)) return *bad;
  try {
    return Convert(schema);
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "json_schema", "not enough memory"};
  } catch (const common_json_error& e) {
    return SchemaError("not valid JSON: " + Reason(e.what()));
  } catch (const std::exception& e) {
    return SchemaError(Reason(e.what()));
  }
}

const std::string& JsonObjectGbnf() {
  static const std::string kGrammar = R"(root ::= object
object ::= "{" ws ( member ( "," ws member )* ws )? "}"
member ::= string ":" ws value
array ::= "[" ws ( value ( "," ws value )* ws )? "]"
value ::= object | array | string | number | "true" | "false" | "null"
string ::= "\"" char* "\""
char ::= [^"\\\x7F\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" [0-9a-fA-F]{4} )
number ::= "-"? integer ( "." [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,3} )?
integer ::= "0" | [1-9] [0-9]{0,15}
ws ::= | " " | "\n" [ \t]{0,20}
)";
  return kGrammar;
}

}  // namespace sentiric::backend
