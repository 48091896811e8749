// SPDX-License-Identifier: AGPL-3.0-only
// The cost of llama.cpp's Jinja filters, tests and functions, computed before they run: they are
// native code that cannot be interrupted.
#pragma once

#include <string>

#include "backend/template/call_cost.h"

namespace sentiric::backend {

// Charges the thread's RenderBudget for `name` with these arguments, the operand first. Throws when
// that is too much, and for arguments that the engine does not handle safely. The names of tests
// begin with "test_is_".
void AllowBuiltin(const std::string& name, const Arguments& arguments);

// Whether there is a rule for this builtin; one without a rule is refused.
bool HasRule(const std::string& name);

}  // namespace sentiric::backend
