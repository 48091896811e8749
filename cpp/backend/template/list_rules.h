// SPDX-License-Identifier: AGPL-3.0-only
// Rules for builtins that take or make lists and mappings.
#pragma once

#include "backend/template/call_cost.h"

namespace sentiric::backend {

void AllowEach(const Arguments& arguments);    // reads each item with the other arguments
void AllowSelect(const Arguments& arguments);  // the same, and calls a test for each item
void AllowSort(const Arguments& arguments);
void AllowDictSort(const Arguments& arguments);
void AllowExtreme(const Arguments& arguments);  // min, max
void AllowDict(const Arguments& arguments);     // also namespace()
void AllowItems(const Arguments& arguments);
void AllowAppend(const Arguments& arguments);
void AllowPop(const Arguments& arguments);
void AllowSlice(const Arguments& arguments);
void AllowRange(const Arguments& arguments);

// Refuses 0 and -1: dividing by them can end the process.
void CheckDivisor(const jinja::value& given);

}  // namespace sentiric::backend
