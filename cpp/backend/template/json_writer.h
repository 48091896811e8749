// SPDX-License-Identifier: AGPL-3.0-only
// Writes values as JSON, like Python's json.dumps.
#pragma once

#include <string>
#include <string_view>

#include "backend/template/call_cost.h"

namespace sentiric::backend {

// The text in quotes, escaped. all_ascii: also what is not ASCII.
void AppendJsonString(std::string_view text, bool all_ascii, std::string* out);

// A number as tojson writes it.
std::string NumberText(const jinja::value_t& number);

// The filter tojson, whose cost is already charged. The engine's own version rounds numbers to six
// digits and walks each text several times. nullptr for options that the engine refuses.
jinja::value ToJson(const Arguments& arguments);

}  // namespace sentiric::backend
