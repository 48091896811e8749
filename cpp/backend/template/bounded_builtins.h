// SPDX-License-Identifier: AGPL-3.0-only
// Replacements for filters of llama.cpp's Jinja engine. Two of its own move the rest of the text at
// each match: a message of two megabytes of newlines would take minutes; our results are the same.
// Its tojson and string round numbers; see json_writer.h.
#pragma once

#include <string>

#include "backend/template/builtin_cost.h"

namespace sentiric::backend {

// nullptr when the engine's own version should run: for other filters, and for arguments that it
// refuses.
jinja::value RunBounded(const std::string& name, const Arguments& arguments);

}  // namespace sentiric::backend
