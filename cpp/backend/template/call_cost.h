// SPDX-License-Identifier: AGPL-3.0-only
// Building blocks of the rules for filters, tests and functions (builtin_cost.h).
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
inline constexpr std::int64_t kItem = 1000;    // a call for each item

inline std::int64_t Signed(std::size_t size) { return static_cast<std::int64_t>(size); }
inline bool IsText(const jinja::value& given) { return KindOf(*given) == ValueKind::kString; }
inline bool IsNumber(const jinja::value& given) { return KindOf(*given) == ValueKind::kNumber; }
inline bool IsList(const jinja::value& given) { return KindOf(*given) == ValueKind::kList; }
inline std::size_t Items(const jinja::value& given) {
  return std::max(given->val_arr.size(), given->val_obj.size());
}

// The argument of this name or at this place, as the engine finds it; nullptr when not given.
jinja::value Argument(const Arguments& arguments, const char* name, std::size_t place);

// Refuses an integer outside of -limit..limit.
void CheckInteger(const jinja::value& given, std::int64_t limit, const char* what);

// Charges for one call: bytes of the result, temporary bytes, nanoseconds.
void Ask(std::size_t made, std::size_t temporary, std::int64_t work);

// The sum over all arguments from `first` on.
Extent MeasureRest(const Arguments& arguments, std::size_t first, TextForm form = TextForm::kPlain);

// Rules that several builtins share.
void AllowFlat(const Arguments& arguments);    // reads the operand, but not its contents
void AllowText(const Arguments& arguments);    // writes all contents of the arguments
void AllowString(const Arguments& arguments);  // AllowFlat for text, AllowText for other values
void AllowFind(std::size_t haystack, std::size_t needle);
void AllowSearch(const jinja::value& needle, const jinja::value& haystack);

}  // namespace sentiric::backend
