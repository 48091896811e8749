// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "bindings/errors.h"
#include "sentiric/log.h"
#include "sentiric/version.h"

namespace py = pybind11;
using sentiric::LogLine;

namespace {

py::dict BuildInfo() {
  const sentiric::BuildInfo info = sentiric::GetBuildInfo();
  return py::dict(py::arg("version") = info.version, py::arg("llama_commit") = info.llama_commit,
                  py::arg("system_info") = info.system_info,
                  py::arg("cpu_kernels") = info.cpu_kernels,
                  py::arg("supports_gpu") = info.supports_gpu);
}

std::vector<std::pair<int, std::string>> TakeLogLines() {
  constexpr int kPythonLevels[] = {10, 20, 30, 40};  // logging.DEBUG .. ERROR
  std::vector<std::pair<int, std::string>> lines;
  for (LogLine& line : sentiric::TakeLogLines()) {
    lines.emplace_back(kPythonLevels[static_cast<int>(line.level)], std::move(line.text));
  }
  return lines;
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "The native engine. Use sentiric_llama.Engine and AsyncEngine instead.";
  sentiric::bindings::BindErrors(&module);
  sentiric::bindings::BindTypes(&module);
  sentiric::bindings::BindFacts(&module);
  sentiric::bindings::BindEngine(&module);
  sentiric::bindings::BindPlan(&module);
  sentiric::bindings::BindDevices(&module);
  module.def("build_info", &BuildInfo, "Version of the package and of what it was built from.");
  module.def("take_log_lines", &TakeLogLines, "(logging level, line) since the last call.");
}
