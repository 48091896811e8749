// SPDX-License-Identifier: AGPL-3.0-only
// Replacements for filters of llama.cpp's Jinja engine that move the rest of the text at each
// match: a message of two megabytes of newlines would take minutes. The results are the same.
#pragma once

#include <string>

#include "backend/template/builtin_cost.h"

namespace sentiric::backend {

// nullptr when the engine's own version should run: for other filters, and for arguments that it
// refuses.
jinja::value RunBounded(const std::string& name, const Arguments& arguments);

}  // namespace sentiric::backend
