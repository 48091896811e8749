// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/json_schema_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "backend/prompt/json_schema.h"

namespace sentiric::backend {
namespace {

// Bytes that a level which is not a property adds to a rule name: "-item", "-tuple-3", ...
constexpr std::size_t kStepBytes = 8;

bool IsCount(const std::string& key) {
  static constexpr std::array<const char*, 4> kKeys = {"minLength", "maxLength", "minItems",
                                                       "maxItems"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

bool IsBound(const std::string& key) {
  static constexpr std::array<const char*, 4> kKeys = {"minimum", "maximum", "exclusiveMinimum",
                                                       "exclusiveMaximum"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

bool IsNumberBelow(const common_json& schema, const char* key, double limit) {
  return schema.contains(key) && schema.at(key).is_number() && schema.at(key).get<double>() < limit;
}

// The converter writes such a range with leading zeros ("-03"), which is not JSON.
bool IsNegativeWithoutEnd(const common_json& schema) {
  if (!schema.contains("type") || !(schema.at("type") == "integer")) return false;
  const bool is_negative =
      IsNumberBelow(schema, "maximum", 0) || IsNumberBelow(schema, "exclusiveMaximum", 1);
  return is_negative && !schema.contains("minimum") && !schema.contains("exclusiveMinimum");
}

std::string GotAllowed(const std::string& name, std::size_t got, std::size_t allowed) {
  return name + "; got " + std::to_string(got) + ", allowed at most " + std::to_string(allowed);
}

Error SchemaError(std::string what) {
  return {ErrorCode::kInvalidGrammar, "json_schema", std::move(what)};
}

bool IsDefinitions(const std::string& key) { return key == "$defs" || key == "definitions"; }

// The number of properties of an object schema that are not in its "required".
std::size_t CountOptional(const common_json& schema) {
  if (!schema.contains("properties") || !schema.at("properties").is_object()) return 0;
  const common_json& properties = schema.at("properties");
  std::set<std::string> required;
  if (schema.contains("required") && schema.at("required").is_array()) {
    for (std::size_t i = 0; i < schema.at("required").size(); ++i) {
      const common_json& name = schema.at("required").at(i);
      if (name.is_string() && properties.contains(name.get<std::string>())) {
        required.insert(name.get<std::string>());
      }
    }
  }
  return properties.size() - required.size();
}

std::size_t SaturatingProduct(std::size_t a, std::size_t b) {
  return a != 0 && b > SchemaLimits::kWork * 2 / a ? SchemaLimits::kWork * 2 : a * b;
}

}  // namespace

Status CheckSchemaText(std::string_view text) {
  if (text.size() > SchemaLimits::kBytes) {
    return SchemaError(GotAllowed("too many bytes", text.size(), SchemaLimits::kBytes));
  }
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > SchemaLimits::kDepth) {
      return SchemaError("the schema is nested deeper than " +
                         std::to_string(SchemaLimits::kDepth) + " at byte " + std::to_string(i));
    }
  }
  return std::nullopt;
}

void SchemaChecker::Refuse(std::string what) {
  if (!status_.has_value()) status_ = SchemaError(std::move(what));
}

Status SchemaChecker::Check() {
  Visit(root_, 0);
  std::size_t work = CountWork(root_);
  for (const std::string& ref : refs_) {
    if (status_.has_value()) return status_;
    const common_json* target = Resolve(ref);
    if (target == nullptr) break;
    const std::size_t below = CountWork(*target);
    work += below;
    path_bytes_ += SaturatingProduct(below, ref.size());
  }
  if (work + path_bytes_ / SchemaLimits::kPathBytes > SchemaLimits::kWork) {
    Refuse(
        "the schema is too large once optional properties, nesting, $ref and type lists are "
        "expanded");
  }
  return status_;
}

void SchemaChecker::Visit(const common_json& node, std::size_t path_bytes) {
  if (status_.has_value()) return;
  if (node.is_array()) {
    for (std::size_t i = 0; i < node.size(); ++i) Visit(node.at(i), path_bytes + kStepBytes);
  } else if (node.is_object()) {
    path_bytes_ += path_bytes;
    const std::size_t num_optional = CountOptional(node);
    if (num_optional > SchemaLimits::kOptional) {
      Refuse(GotAllowed("too many optional properties", num_optional, SchemaLimits::kOptional));
    }
    if (IsNegativeWithoutEnd(node)) Refuse("an integer with a negative maximum needs a minimum");
    for (const auto& [key, value] : node.items()) VisitMember(key, value, path_bytes);
  }
}

void SchemaChecker::VisitMember(const std::string& key, const common_json& value,
                                std::size_t path_bytes) {
  if (value.is_number()) return CheckNumber(key, value);
  if (value.is_string() && key == "$ref") return CheckRef(value.get<std::string>());
  if (value.is_string() && key == "pattern") {
    const std::string pattern = value.get<std::string>();
    patterns_.insert(pattern);
    if (pattern.size() > SchemaLimits::kPatternBytes) {
      Refuse(GotAllowed("a pattern is too long", pattern.size(), SchemaLimits::kPatternBytes));
    }
    if (patterns_.size() > SchemaLimits::kPatterns) {
      Refuse(GotAllowed("too many patterns", patterns_.size(), SchemaLimits::kPatterns));
    }
    return;
  }
  if (value.is_array() && key == "enum") {
    num_enum_values_ += value.size();
    if (num_enum_values_ > SchemaLimits::kEnumValues) {
      Refuse(GotAllowed("too many enum values", num_enum_values_, SchemaLimits::kEnumValues));
    }
  }
  if (value.is_array() && key == "type" && value.size() > SchemaLimits::kTypes) {
    Refuse(GotAllowed("too many types", value.size(), SchemaLimits::kTypes));
  }
  if (value.is_array() && key == "allOf") CheckAllOf(value);
  if (value.is_object() && key == "properties") return VisitProperties(value, path_bytes);
  Visit(value, path_bytes + kStepBytes);
}

void SchemaChecker::VisitProperties(const common_json& properties, std::size_t path_bytes) {
  num_properties_ += properties.size();
  if (num_properties_ > SchemaLimits::kProperties) {
    return Refuse(GotAllowed("too many properties", num_properties_, SchemaLimits::kProperties));
  }
  for (const auto& [name, schema] : properties.items()) {
    if (name.size() > SchemaLimits::kNameBytes) {
      return Refuse(
          GotAllowed("a property name is too long", name.size(), SchemaLimits::kNameBytes));
    }
    // A property named "properties" looks like a list of properties too, so visit its members.
    Visit(schema, path_bytes + name.size() + 1);
    if (!schema.is_object()) VisitMember(name, schema, path_bytes);
  }
}

// Counts become repetitions, which are expensive; bounds and bounds + 1 must fit into 64 bits.
void SchemaChecker::CheckNumber(const std::string& key, const common_json& value) {
  const double number = value.get<double>();
  if (IsCount(key) && number > static_cast<double>(SchemaLimits::kCount)) {
    Refuse(key + " is too large; allowed at most " + std::to_string(SchemaLimits::kCount));
  }
  if (IsBound(key) && !(std::fabs(number) <= 4e18)) {
    Refuse(key + " is out of range; allowed -4e18..4e18");
  }
}

void SchemaChecker::CheckRef(const std::string& ref) {
  if (ref.rfind("#/", 0) != 0) return Refuse("$ref must be local (\"#/...\")");
  if (ref.size() > SchemaLimits::kNameBytes) {
    return Refuse(GotAllowed("a $ref is too long", ref.size(), SchemaLimits::kNameBytes));
  }
  if (!refs_.insert(ref).second) return;
  if (refs_.size() > SchemaLimits::kRefs) {
    return Refuse(GotAllowed("too many different $ref targets", refs_.size(), SchemaLimits::kRefs));
  }
  // The converter follows references to references without looking for cycles.
  std::set<std::string> seen;
  std::string current = ref;
  while (true) {
    if (!seen.insert(current).second) return Refuse("$ref goes in a circle");
    const common_json* target = Resolve(current);
    if (target == nullptr || !target->is_object() || !target->contains("$ref")) return;
    if (!target->at("$ref").is_string()) return;
    current = target->at("$ref").get<std::string>();
    if (current.rfind("#/", 0) != 0) return;
  }
}

// Resolves like the converter: without escapes, with indices into lists.
const common_json* SchemaChecker::Resolve(const std::string& ref) {
  const common_json* node = &root_;
  std::size_t begin = 2;
  while (begin <= ref.size()) {
    const std::size_t end = std::min(ref.find('/', begin), ref.size());
    const std::string step = ref.substr(begin, end - begin);
    begin = end + 1;
    if (node->is_object() && node->contains(step)) {
      node = &node->at(step);
      continue;
    }
    const bool is_index = node->is_array() && !step.empty() && step.size() <= 6 &&
                          step.find_first_not_of("0123456789") == std::string::npos;
    const std::size_t index = is_index ? std::stoul(step) : std::numeric_limits<std::size_t>::max();
    if (!node->is_array() || index >= node->size()) {
      Refuse("a $ref points nowhere in the schema");
      return nullptr;
    }
    node = &node->at(index);
  }
  return node;
}

// allOf merges its components into one object, each as often as it is referred to.
void SchemaChecker::CheckAllOf(const common_json& components) {
  std::size_t properties = 0;
  std::size_t steps = 0;
  for (std::size_t i = 0; i < components.size(); ++i) {
    CountJoined(components.at(i), &properties, &steps);
  }
  if (properties > SchemaLimits::kOptional || steps > SchemaLimits::kWork) {
    Refuse("allOf combines too many properties; allowed at most " +
           std::to_string(SchemaLimits::kOptional));
  }
}

void SchemaChecker::CountJoined(const common_json& component, std::size_t* properties,
                                std::size_t* steps) {
  if (!component.is_object() || ++*steps > SchemaLimits::kWork) return;
  if (component.contains("$ref") && component.at("$ref").is_string()) {
    const std::string ref = component.at("$ref").get<std::string>();
    CheckRef(ref);
    const common_json* target = status_.has_value() ? nullptr : Resolve(ref);
    if (target != nullptr) CountJoined(*target, properties, steps);
    return;
  }
  if (component.contains("properties")) *properties += component.at("properties").size();
  for (const char* choice : {"anyOf", "oneOf"}) {
    if (!component.contains(choice)) continue;
    const common_json& alternatives = component.at(choice);
    for (std::size_t i = 0; alternatives.is_array() && i < alternatives.size(); ++i) {
      CountJoined(alternatives.at(i), properties, steps);
    }
  }
}

// The number of schemas that the converter builds for `node`, without its definitions, which are
// built where they are referred to. A list of types builds everything below it once for each type
// that has children.
std::size_t SchemaChecker::CountWork(const common_json& node) {
  std::size_t work = 0;
  if (node.is_array()) {
    for (std::size_t i = 0; i < node.size(); ++i) work += CountWork(node.at(i));
  } else if (node.is_object()) {
    const std::size_t optional = CountOptional(node);
    work = 1 + optional * optional * optional * (SchemaLimits::kWork / 2) /
                   (SchemaLimits::kOptional * SchemaLimits::kOptional * SchemaLimits::kOptional);
    for (const auto& [key, value] : node.items()) {
      if (!IsDefinitions(key)) work += CountWork(value);
    }
    if (node.contains("type") && node.at("type").is_array()) {
      const common_json& types = node.at("type");
      std::size_t times = 0;
      for (std::size_t i = 0; i < types.size(); ++i) {
        if (types.at(i) == "object" || types.at(i) == "array") ++times;
      }
      work = SaturatingProduct(work, std::max<std::size_t>(times, 1)) + types.size();
    }
  }
  return std::min(work, SchemaLimits::kWork * 2);
}

}  // namespace sentiric::backend
