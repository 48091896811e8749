// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sentiric/error.h"

namespace sentiric::grammar {

// A parsed JSON text that keeps the order of members and the spelling of numbers.
struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };
  using Member = std::pair<std::string, JsonValue>;

  Kind kind = Kind::kNull;
  std::string text;  // of a string, decoded; of a number, as spelled
  std::vector<JsonValue> items;
  std::vector<Member> members;  // names are distinct

  bool Is(Kind k) const { return kind == k; }
  bool IsBool() const { return kind == Kind::kFalse || kind == Kind::kTrue; }
  // The member of an object, or null.
  const JsonValue* Find(std::string_view name) const;
};

// What a JSON type is called in a message: "a string", "an object".
std::string_view KindName(JsonValue::Kind kind);

// A text in quotes for a message of one line: control characters are escaped.
std::string Quoted(std::string_view text);

struct JsonLimits {
  std::size_t text_bytes = 1024 * 1024;
  std::uint32_t depth = 200;
};

// Parses RFC 8259 JSON. Errors: kInvalidGrammar at "json_schema:LINE:COLUMN" (both from 1, columns
// in characters) when the text is no JSON, begins with a byte order mark, repeats a name within an
// object, holds half of a surrogate pair or exceeds a limit. Linear; the depth of recursion is
// limited. Any thread.
Result<JsonValue> ParseJson(std::string_view text, const JsonLimits& limits = {});

}  // namespace sentiric::grammar
