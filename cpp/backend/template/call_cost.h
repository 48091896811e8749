// SPDX-License-Identifier: AGPL-3.0-only
// What the rules for filters, tests and functions (builtin_cost.h) are made of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backend/template/value_extent.h"
#include "jinja/runtime.h"

namespace sentiric::backend {

using Arguments = std::vector<jinja::value>;

inline constexpr std::size_t kNewValue = 352;  // one value in a new list
inline constexpr std::int64_t kItem = 1000;    // what is called for each item

inline std::int64_t Signed(std::size_t size) { return static_cast<std::int64_t>(size); }
inline bool IsText(const jinja::value& given) { return KindOf(*given) == ValueKind::kString; }
inline bool IsNumber(const jinja::value& given) { return KindOf(*given) == ValueKind::kNumber; }
inline bool IsList(const jinja::value& given) { return KindOf(*given) == ValueKind::kList; }
inline std::size_t Items(const jinja::value& given) {
  return std::max(given->val_arr.size(), given->val_obj.size());
}

// The named argument, or the one at a place, as the engine looks them up; nullptr when not given.
jinja::value Argument(const Arguments& arguments, const char* name, std::size_t place);

// Refuses an integer beyond -limit..limit.
void CheckInteger(const jinja::value& given, std::int64_t limit, const char* what);

// Asks for one call: bytes of the result, bytes meanwhile, nanoseconds.
void Ask(std::size_t made, std::size_t temporary, std::int64_t work);

// All arguments from `first` on together.
Extent MeasureRest(const Arguments& arguments, std::size_t first, TextForm form = TextForm::kPlain);

// Rules that several builtins have.
void AllowFlat(const Arguments& arguments);    // looks at the operand, not at what is in it
void AllowText(const Arguments& arguments);    // writes everything that is in the arguments
void AllowString(const Arguments& arguments);  // the first for a text, the second for others
void AllowFind(std::size_t haystack, std::size_t needle);
void AllowSearch(const jinja::value& needle, const jinja::value& haystack);

}  // namespace sentiric::backend
