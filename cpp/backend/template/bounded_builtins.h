// SPDX-License-Identifier: AGPL-3.0-only
// Filters whose own version in llama.cpp's Jinja engine moves the rest of the text at each match:
// a message of two megabytes of newlines would take minutes. The results are the same.
#pragma once

#include <string>

#include "backend/template/builtin_cost.h"

namespace sentiric::backend {

// nullptr when the engine's own version is to run: for another filter, or for arguments that it
// refuses itself.
jinja::value RunBounded(const std::string& name, const Arguments& arguments);

}  // namespace sentiric::backend
