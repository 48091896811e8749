// SPDX-License-Identifier: AGPL-3.0-only
#include "sentiric/devices.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "bindings/errors.h"

namespace sentiric::bindings {
namespace py = pybind11;

void BindDevices(py::module_* module) {
  py::class_<Device>(*module, "Device")
      .def_readonly("name", &Device::name)
      .def_readonly("description", &Device::description)
      .def_readonly("kind", &Device::kind)
      .def_readonly("free", &Device::free)
      .def_readonly("total", &Device::total);
  module->def(
      "devices", [] { return Unwrap(ListDevices()); }, py::call_guard<py::gil_scoped_release>(),
      "The devices that this build can compute on, with their free memory.");
}

}  // namespace sentiric::bindings
