// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "bindings/errors.h"
#include "bindings/tuples.h"
#include "sentiric/memory_plan.h"

namespace sentiric::bindings {
namespace py = pybind11;

void BindPlan(py::module_* module) {
  py::class_<DeviceMemory>(*module, "DeviceMemory")
      .def_readonly("name", &DeviceMemory::name)
      .def_readonly("weights", &DeviceMemory::weights)
      .def_readonly("cache", &DeviceMemory::cache)
      .def_readonly("compute", &DeviceMemory::compute)
      .def_readonly("free", &DeviceMemory::free)
      .def_readonly("total", &DeviceMemory::total);
  py::class_<MemoryPlan>(*module, "MemoryPlan")
      .def_property_readonly("devices",
                             [](const MemoryPlan& self) { return ToTuple(self.devices); })
      .def_readonly("contexts", &MemoryPlan::contexts)
      .def_readonly("context_size", &MemoryPlan::context_size)
      .def_readonly("context_train", &MemoryPlan::context_train)
      .def_readonly("num_layers", &MemoryPlan::num_layers)
      .def_readonly("speculation", &MemoryPlan::speculation);
  module->def(
      "plan_memory", [](const EngineConfig& config) { return Unwrap(PlanMemory(config)); },
      py::arg("config"), py::call_guard<py::gil_scoped_release>(),
      "The memory that this configuration needs; allocates none of it.");
}

}  // namespace sentiric::bindings
