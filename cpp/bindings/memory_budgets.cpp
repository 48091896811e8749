// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "host/heap.h"
#include "host/memory_budget.h"

namespace sentiric::bindings {
namespace py = pybind11;

void BindMemoryBudgets(py::module_* module) {
  py::class_<MemoryBudget>(*module, "MemoryBudget")
      .def_readonly("name", &MemoryBudget::name)
      .def_readonly("free", &MemoryBudget::free)
      .def_readonly("total", &MemoryBudget::total);
  module->def(
      "memory_budgets", &MemoryBudgets, py::arg("root"), py::call_guard<py::gil_scoped_release>(),
      "Limits of RAM and control groups, tightest first; root is a prefix of /proc and /sys.");
  module->def("out_of_memory_kills", &OutOfMemoryKills, py::arg("root"),
              "Processes of this control group that the kernel killed because memory ran out.");
  module->def("trim_heap", &TrimHeap, py::call_guard<py::gil_scoped_release>(),
              "Returns freed memory to the system; False if there was none.");
}

}  // namespace sentiric::bindings
