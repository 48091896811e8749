// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <pybind11/pybind11.h>

namespace sentiric::bindings {

void BindTypes(pybind11::module_* module);    // values: Request, Event, ...
void BindEngine(pybind11::module_* module);   // Engine
void BindPlan(pybind11::module_* module);     // plan_memory, memory_budgets
void BindDevices(pybind11::module_* module);  // devices
void BindFiles(pybind11::module_* module);    // is_file_name, open_adapter_file

}  // namespace sentiric::bindings
