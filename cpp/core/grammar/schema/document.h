// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/grammar/schema/json_value.h"
#include "core/grammar/schema/work_budget.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// A schema document and what its references refer to: JSON pointers, anchors and identifiers
// within the document, never anything outside. One thread at a time.
class Document {
 public:
  // Errors: see ParseJson; kInvalidGrammar when the text is no schema.
  static Result<std::unique_ptr<Document>> Parse(std::string_view text);
  // The same of a parsed schema, one of several that share a budget.
  static Result<std::unique_ptr<Document>> Of(JsonValue root, std::shared_ptr<WorkBudget> work);

  const JsonValue& root() const { return root_; }
  // What the compilation may still cost.
  const std::shared_ptr<WorkBudget>& work() const { return work_; }

  // The schema that `reference`, in the schema `from`, refers to. kInvalidGrammar when there is
  // none in the document.
  Result<const JsonValue*> Resolve(const JsonValue* from, const std::string& reference,
                                   std::string_view keyword = "$ref");
  // The same for $dynamicRef, which is refused when the place it refers to depends on the way
  // there.
  Result<const JsonValue*> ResolveDynamic(const JsonValue* from, const std::string& reference);

  // A schema that stands in no document; lives as long as this one.
  const JsonValue* Make(JsonValue value);
  // The same for one that is made of parts of `origin`: references in it mean what they mean there.
  const JsonValue* MakeOf(const JsonValue* origin, JsonValue value);

  // The JSON pointer of a value of the document; that of the root is empty.
  std::string PathOf(const JsonValue* value) const;
  // kInvalidGrammar at the keyword of a schema.
  Error ErrorAt(const JsonValue* schema, std::string_view keyword, const std::string& what) const;

 private:
  Document(JsonValue root, std::shared_ptr<WorkBudget> work)
      : root_(std::move(root)), work_(std::move(work)) {}

  using Names = std::unordered_map<std::string, const JsonValue*>;

  void Visit(const JsonValue* schema, std::string base);
  void Name(const std::string& name, const JsonValue* schema, Names* names);
  const JsonValue* FindResource(const std::string& base) const;

  JsonValue root_;
  const std::shared_ptr<WorkBudget> work_;
  std::deque<JsonValue> made_;
  std::unordered_map<const JsonValue*, std::string> bases_;   // by visited schema
  Names resources_;                                           // by identifier
  Names anchors_;                                             // by "identifier#name"
  std::unordered_set<std::string> ambiguous_;                 // of these, names of several schemas
  std::unordered_map<std::string, int> num_dynamic_anchors_;  // by name
  std::unordered_set<const JsonValue*> hidden_ids_;  // schemas with $id and $ref, but the root
};

}  // namespace sentiric::grammar
