// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "host/memory_budget.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace sentiric::bindings {
namespace py = pybind11;

namespace {

// What threads freed stays in their heaps: planning a large vocabulary alone leaves 50 MiB there.
bool TrimHeap() {
#if defined(__GLIBC__)
  return malloc_trim(0) == 1;
#else
  return false;
#endif
}

}  // namespace

void BindMemoryBudgets(py::module_* module) {
  py::class_<MemoryBudget>(*module, "MemoryBudget")
      .def_readonly("name", &MemoryBudget::name)
      .def_readonly("free", &MemoryBudget::free)
      .def_readonly("total", &MemoryBudget::total);
  module->def("memory_budgets", &MemoryBudgets, py::arg("root"),
              py::call_guard<py::gil_scoped_release>(),
              "RAM and control groups, the tightest first; root stands before /proc and /sys.");
  module->def("trim_heap", &TrimHeap, py::call_guard<py::gil_scoped_release>(),
              "Gives freed memory back to the system; whether there was any.");
}

}  // namespace sentiric::bindings
