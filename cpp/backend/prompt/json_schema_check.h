// SPDX-License-Identifier: AGPL-3.0-only
// The limits of json_schema.h on a parsed schema.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "json.h"
#include "sentiric/error.h"

namespace sentiric::backend {

// Bytes and bracket depth, on the text: before any parser runs.
Status CheckSchemaText(std::string_view text);

// Everything else. Reads the schema as plain JSON and looks everywhere, also in examples and
// constants: a $ref may point there.
class SchemaChecker {
 public:
  explicit SchemaChecker(const common_json& root) : root_(root) {}

  // The first limit that is passed; nullopt when the converter may have it.
  Status Check();
  // Patterns met, for a second look.
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
