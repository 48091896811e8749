// SPDX-License-Identifier: AGPL-3.0-only
// Checks a schema against the limits of json_schema.h.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "json.h"
#include "sentiric/error.h"

namespace sentiric::backend {

// Checks bytes and bracket depth of the text, before any parser runs.
Status CheckSchemaText(std::string_view text);

// Checks everything else. Reads the schema as plain JSON and looks everywhere, also in examples and
// constants, because a $ref may point there.
class SchemaChecker {
 public:
  explicit SchemaChecker(const common_json& root) : root_(root) {}

  // The first exceeded limit; nullopt when the converter may run.
  Status Check();
  // All patterns of the schema; whether the converter supports them is checked later.
  const std::set<std::string>& patterns() const { return patterns_; }

 private:
  void Visit(const common_json& node, std::size_t path_bytes);
  void VisitMember(const std::string& key, const common_json& value, std::size_t path_bytes);
  void VisitProperties(const common_json& properties, std::size_t path_bytes);
  void CheckNumber(const std::string& key, const common_json& value);
  void CheckRef(const std::string& ref);
  const common_json* Resolve(const std::string& ref);
  void CheckAllOf(const common_json& components);
  void CountJoined(const common_json& component, std::size_t* properties, std::size_t* steps);
  static std::size_t CountWork(const common_json& node);
  void Refuse(std::string what);

  const common_json& root_;
  Status status_;
  std::set<std::string> refs_;
  std::set<std::string> patterns_;
  std::size_t num_properties_ = 0;
  std::size_t num_enum_values_ = 0;
  std::size_t path_bytes_ = 0;
};

}  // namespace sentiric::backend
