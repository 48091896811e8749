// SPDX-License-Identifier: AGPL-3.0-only
// Rules for builtins that make text.
#pragma once

#include "backend/template/call_cost.h"

namespace sentiric::backend {

void AllowJson(const Arguments& arguments);
void AllowStrip(const Arguments& arguments);
void AllowSplit(const Arguments& arguments);
void AllowReplace(const Arguments& arguments);
void AllowIndent(const Arguments& arguments);
void AllowJoin(const Arguments& arguments);
void AllowDate(const Arguments& arguments);
void AllowRaise(const Arguments& arguments);

}  // namespace sentiric::backend
