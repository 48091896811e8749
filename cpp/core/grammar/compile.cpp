// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/compile.h"

#include <string>
#include <vector>

#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/grammar/json/compile_schema.h"
#include "core/grammar/plain/compile_plain.h"
#include "core/grammar/schema/json_value.h"
#include "core/grammar/structure/compile_structure.h"

namespace sentiric::grammar {
namespace {

// `choice` is a JSON array of strings.
Result<std::shared_ptr<const Grammar>> CompileChoiceList(const std::string& text) {
  Result<JsonValue> list = ParseJson(text);
  bool is_list = list && list->Is(JsonValue::Kind::kArray) && !list->items.empty();
  std::vector<std::string> texts;
  for (std::size_t i = 0; is_list && i < list->items.size(); ++i) {
    is_list = list->items[i].Is(JsonValue::Kind::kString);
    texts.push_back(list->items[i].text);
  }
  if (is_list) return CompileChoice(texts);
  return Error{ErrorCode::kInvalidGrammar, "choice", "allowed a list of at least one string"};
}

}  // namespace

Result<std::shared_ptr<const Grammar>> Compile(const GrammarSpec& spec) {
  switch (spec.kind) {
    case GrammarSpec::Kind::kGbnf: return CompileGbnf(spec.text, Limits{});
    case GrammarSpec::Kind::kJsonSchema: return CompileSchema(spec.text);
    case GrammarSpec::Kind::kJsonObject:
      return CompileSchema(spec.text.empty() ? R"({"type":"object"})" : spec.text);
    case GrammarSpec::Kind::kRegex: return CompileRegex(spec.text);
    case GrammarSpec::Kind::kChoice: return CompileChoiceList(spec.text);
    case GrammarSpec::Kind::kStructure: return CompileStructure(spec.text);
    case GrammarSpec::Kind::kNone: break;
  }
  return Error{ErrorCode::kInvalidGrammar, "grammar", "no kind of grammar is given"};
}

}  // namespace sentiric::grammar
