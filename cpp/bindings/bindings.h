// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <pybind11/pybind11.h>

namespace sentiric::bindings {

// Parts of _core.
void BindTypes(pybind11::module_* module);    // values: Request, Event, ...
void BindFacts(pybind11::module_* module);    // ModelInfo, Capacity, EngineStats
void BindEngine(pybind11::module_* module);   // Engine
void BindPlan(pybind11::module_* module);     // plan_memory
void BindDevices(pybind11::module_* module);  // devices

// Parts of _host, which is linked without the engine.
void BindScan(pybind11::module_* module);           // scan_json, count_proto_fields
void BindFiles(pybind11::module_* module);          // is_file_name, open_adapter_file
void BindMemoryBudgets(pybind11::module_* module);  // memory_budgets
void BindFlightPage(pybind11::module_* module);     // FlightPage
void BindGrammar(pybind11::module_* module);        // Grammar, Matcher, Vocabulary, schema_keywords
void BindSandbox(pybind11::module_* module);        // sandbox_report

}  // namespace sentiric::bindings
