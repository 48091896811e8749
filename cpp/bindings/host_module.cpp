// SPDX-License-Identifier: AGPL-3.0-only
// A module without the engine and llama.cpp, for processes that only serve.
#include <pybind11/pybind11.h>

#include "bindings/bindings.h"
#include "bindings/errors.h"

PYBIND11_MODULE(_host, module) {
  module.doc() =
      "Functions without an engine: the cost of requests, files, grammars, memory, the sandbox.";
  sentiric::bindings::BindErrors(&module);
  sentiric::bindings::BindScan(&module);
  sentiric::bindings::BindFiles(&module);
  sentiric::bindings::BindMemoryBudgets(&module);
  sentiric::bindings::BindFlightPage(&module);
  sentiric::bindings::BindGrammar(&module);
  module.attr("LLAMA_COMMIT") = SENTIRIC_LLAMA_COMMIT;
  module.attr("SUPPORTS_GPU") = bool(SENTIRIC_SUPPORTS_GPU);
  sentiric::bindings::BindSandbox(&module);
}
