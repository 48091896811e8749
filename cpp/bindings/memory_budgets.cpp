// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "host/memory_budget.h"

namespace sentiric::bindings {
namespace py = pybind11;

void BindMemoryBudgets(py::module_* module) {
  py::class_<MemoryBudget>(*module, "MemoryBudget")
      .def_readonly("name", &MemoryBudget::name)
      .def_readonly("free", &MemoryBudget::free)
      .def_readonly("total", &MemoryBudget::total);
  module->def("memory_budgets", &MemoryBudgets, py::arg("root"),
              py::call_guard<py::gil_scoped_release>(),
              "RAM and control groups, the tightest first; root stands before /proc and /sys.");
}

}  // namespace sentiric::bindings
