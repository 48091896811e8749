// SPDX-License-Identifier: AGPL-3.0-only
// JSON that callers hand to a template: parameters of tools, arguments of calls, variables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/grammar/schema/json_value.h"
#include "sentiric/error.h"

namespace sentiric::backend {

inline constexpr std::int32_t kMaxJsonDepth = 64;     // levels, that of the object included
inline constexpr std::int64_t kMaxJsonItems = 65536;  // values and names in one text

// An object with its members in order and its numbers as spelled. kInvalidArgument without a place
// when the text is no JSON object, nests deeper than max_depth, has more than kMaxJsonItems or, in
// one object, more members than a template's mapping may have. The error holds nothing of the text.
Result<grammar::JsonValue> ParseJsonObject(std::string_view text,
                                           std::int32_t max_depth = kMaxJsonDepth);

}  // namespace sentiric::backend
