// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/pybind11.h>

#include "bindings/bindings.h"
#include "bindings/errors.h"
#include "host/named_file.h"

namespace sentiric::bindings {
namespace py = pybind11;

void BindFiles(py::module_* module) {
  module->def(
      "is_file_name", [](const std::string& name) { return IsFileName(name); }, py::arg("name"),
      "Whether a caller's name may become the name of a file.");
  module->def(
      "open_adapter_file",
      [](const std::string& folder, const std::string& name) {
        return Unwrap(OpenAdapterFile(folder, name)).Release();
      },
      py::arg("folder"), py::arg("name"), py::call_guard<py::gil_scoped_release>(),
      "A file descriptor for reading, which the caller closes.");
}

}  // namespace sentiric::bindings
