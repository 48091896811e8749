// SPDX-License-Identifier: AGPL-3.0-only
// What llama.cpp's Jinja filters, tests and functions would take, known before they run: they are
// native code that nobody can look into while it works.
#pragma once

#include <string>

#include "backend/template/call_cost.h"

namespace sentiric::backend {

// Asks the thread's RenderBudget for what `name` needs with these arguments, the operand first.
// Throws when that is too much, and for arguments that the engine cannot take safely. A test's name
// begins with "test_is_".
void AllowBuiltin(const std::string& name, const Arguments& arguments);

// Whether there is a rule for it; a builtin without one is refused.
bool HasRule(const std::string& name);

}  // namespace sentiric::backend
