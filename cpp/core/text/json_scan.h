// SPDX-License-Identifier: AGPL-3.0-only
// What a JSON text would cost whoever builds its values, counted without building one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sentiric {

struct JsonLimits {
  std::int32_t depth = 32;          // objects and arrays inside one another
  std::int64_t items = 65536;       // values and names of members
  std::int64_t number_bytes = 128;  // of one number
};

enum class JsonLimit { kNone, kDepth, kItems, kNumber };

struct JsonScan {
  JsonLimit passed = JsonLimit::kNone;  // the first limit that the text passes; the scan ends there
  std::size_t at = 0;                   // byte at which it does, or where the scan ended
  std::string_view field;           // the member of the outermost object around it, escapes kept
  std::int64_t items = 0;           // scalars, objects, arrays and names up to `at`
  bool has_lone_surrogate = false;  // an escape is half of a UTF-16 pair
  bool has_exponent = false;        // a number has one, so it may be too large for a double
};

// Reads `text` once, to the end of its first value: time grows with the bytes, memory does not.
// It is no parser: a text with wrong syntax is counted as far as a parser could get, or further.
JsonScan ScanJson(std::string_view text, const JsonLimits& limits);

}  // namespace sentiric
