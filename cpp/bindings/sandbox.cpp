// SPDX-License-Identifier: AGPL-3.0-only
#include "host/sandbox.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <vector>

#include "bindings/bindings.h"

namespace sentiric::bindings {
namespace py = pybind11;

namespace {

std::vector<std::tuple<std::string, bool, std::string>> OfferedLayers() {
  std::vector<std::tuple<std::string, bool, std::string>> layers;
  for (const Protection& part : ProbeSandbox().parts()) {
    layers.emplace_back(part.name, part.holds(), part.detail);
  }
  return layers;
}

}  // namespace

void BindSandbox(py::module_* module) {
  module->def("sandbox_report", &OfferedLayers, py::call_guard<py::gil_scoped_release>(),
              "Name, whether this system offers it, and details, for each layer of the engine "
              "process's sandbox. Changes nothing.");
}

}  // namespace sentiric::bindings
