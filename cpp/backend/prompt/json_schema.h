// SPDX-License-Identifier: AGPL-3.0-only
// Converts JSON schemas to GBNF with llama.cpp's converter. Limits protect it, because its time and
// its output grow much faster than the schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sentiric/error.h"

namespace sentiric::backend {

struct SchemaLimits {
  static constexpr std::size_t kBytes = std::size_t{64} << 10;
  static constexpr int kDepth = 64;                // brackets
  static constexpr std::size_t kProperties = 256;  // all objects together
  // In one object or one allOf: the converter takes cubic time in their number (0.5 s for 256 with
  // long names).
  static constexpr std::size_t kOptional = 120;
  static constexpr std::size_t kEnumValues = 4096;  // all enums together
  static constexpr std::size_t kNameBytes = 256;    // of a property or a $ref
  static constexpr std::size_t kRefs = 256;
  static constexpr std::size_t kPatterns = 64;
  static constexpr std::size_t kPatternBytes = 512;
  static constexpr std::size_t kTypes = 16;     // in one "type": [...]
  static constexpr std::int64_t kCount = 1000;  // min/maxLength, min/maxItems
  // Units of about 10 us: each schema that the converter visits, after $ref and "type": ["object",
  // "array"] have multiplied them, and each kPathBytes of the paths that rule names repeat. An
  // object with kOptional optional properties takes half of it.
  static constexpr std::size_t kWork = 8192;
  static constexpr std::size_t kPathBytes = 6;
};

// GBNF that matches the JSON values which the schema allows. Any thread with a deep stack. Errors:
// kInvalidGrammar at "json_schema" for text that is not JSON, an exceeded limit, a $ref that is not
// "#/..." or is circular, and anything that the converter cannot express. That includes patterns,
// which it would widen to any string.
Result<std::string> JsonSchemaToGbnf(std::string_view schema);

// GBNF for any JSON object. White space is limited, so that a model cannot write it for ever.
const std::string& JsonObjectGbnf();

}  // namespace sentiric::backend
