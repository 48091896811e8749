// SPDX-License-Identifier: AGPL-3.0-only
// A module of its own, without the engine and llama.cpp: processes that only serve load nothing
// more.
#include <pybind11/pybind11.h>

#include "bindings/bindings.h"
#include "bindings/errors.h"

PYBIND11_MODULE(_host, module) {
  module.doc() = "What needs no engine: counting what a request costs, files, memory.";
  sentiric::bindings::BindErrors(&module);
  sentiric::bindings::BindScan(&module);
  sentiric::bindings::BindFiles(&module);
  sentiric::bindings::BindMemoryBudgets(&module);
}
