// SPDX-License-Identifier: AGPL-3.0-only
// JSON schema to GBNF: llama.cpp's converter behind limits, because its time and its output grow
// far faster than the schema.
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
  // Of one object, or joined by one allOf: the converter takes time cubic in their number (256 with
  // long names: 0.5 s).
  static constexpr std::size_t kOptional = 120;
  static constexpr std::size_t kEnumValues = 4096;  // all enums together
  static constexpr std::size_t kNameBytes = 256;    // of a property or a $ref
  static constexpr std::size_t kRefs = 256;
  static constexpr std::size_t kPatterns = 64;
  static constexpr std::size_t kPatternBytes = 512;
  static constexpr std::size_t kTypes = 16;     // in one "type": [...]
  static constexpr std::int64_t kCount = 1000;  // min/maxLength, min/maxItems
  // Units of some 10 us: a schema the converter visits, after $ref and "type": ["object", "array"]
  // have multiplied them, or kPathBytes of the paths that rule names repeat. One object with
  // kOptional optional properties is half of it.
  static constexpr std::size_t kWork = 8192;
  static constexpr std::size_t kPathBytes = 6;
};

// GBNF whose root is any JSON value that the schema allows. Any thread with a deep stack. Errors
// are kInvalidGrammar at "json_schema": text that is not JSON, a limit, a $ref that is not "#/..."
// or goes in a circle, and what the converter cannot express: a pattern it cannot is refused too,
// not widened to any string.
Result<std::string> JsonSchemaToGbnf(std::string_view schema);

// GBNF for any JSON object. White space is short, so that a model cannot go on with it for ever.
const std::string& JsonObjectGbnf();

}  // namespace sentiric::backend
