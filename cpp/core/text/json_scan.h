// SPDX-License-Identifier: AGPL-3.0-only
// Counts what a JSON text would cost a parser, without building any value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sentiric {

struct JsonLimits {
  std::int32_t depth = 32;          // nested objects and arrays
  std::int64_t items = 65536;       // values and member names
  std::int64_t number_bytes = 128;  // length of one number
};

enum class JsonLimit { kNone, kDepth, kItems, kNumber };

struct JsonScan {
  JsonLimit passed = JsonLimit::kNone;  // first limit that the text exceeds; the scan ends there
  std::size_t at = 0;                   // byte at which the scan ended
  std::string_view field;               // enclosing member of the outermost object, escapes kept
  std::int64_t items = 0;               // scalars, objects, arrays and names before `at`
  bool has_lone_surrogate = false;      // an escape is half of a surrogate pair
  bool has_exponent = false;            // a number has one and may be too large for a double
};

// Reads `text` once, to the end of its first value, in linear time and constant memory. Does not
// check the syntax: invalid JSON is counted at least as far as a parser would get.
JsonScan ScanJson(std::string_view text, const JsonLimits& limits);

}  // namespace sentiric
