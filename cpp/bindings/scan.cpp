// SPDX-License-Identifier: AGPL-3.0-only
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/bindings.h"
#include "core/text/json_scan.h"
#include "core/text/proto_scan.h"

namespace sentiric::bindings {
namespace py = pybind11;
namespace {

// A scan result that does not refer to the text.
struct Report {
  JsonScan scan;
  std::string field;
};

std::optional<std::string> NameOf(JsonLimit limit) {
  switch (limit) {
    case JsonLimit::kDepth: return "depth";
    case JsonLimit::kItems: return "items";
    case JsonLimit::kNumber: return "number";
    case JsonLimit::kNone: break;
  }
  return std::nullopt;
}

// The bytes; valid as long as `info`.
std::string_view BytesOf(const py::buffer_info& info) {
  if (info.ndim != 1 || info.itemsize != 1 || (info.size > 1 && info.strides[0] != 1)) {
    throw py::type_error("data must be contiguous bytes");
  }
  return {static_cast<const char*>(info.ptr), static_cast<std::size_t>(info.size)};
}

std::int64_t CountFields(const py::buffer& data, std::int64_t most) {
  const py::buffer_info info = data.request();
  const std::string_view message = BytesOf(info);
  const py::gil_scoped_release unlocked;
  return CountProtoFields(message, most);
}

Report ScanBytes(const py::buffer& data, std::int32_t depth, std::int64_t items,
                 std::int64_t number_bytes) {
  const py::buffer_info info = data.request();
  const std::string_view text = BytesOf(info);
  const py::gil_scoped_release unlocked;
  Report report{ScanJson(text, {depth, items, number_bytes}), {}};
  report.field = report.scan.field;
  report.scan.field = {};
  return report;
}

}  // namespace

void BindScan(py::module_* module) {
  py::class_<Report>(*module, "JsonScan")
      .def_property_readonly(
          "passed", [](const Report& self) { return NameOf(self.scan.passed); },
          "The first limit that was exceeded: depth, items, number or None.")
      .def_property_readonly(
          "at", [](const Report& self) { return self.scan.at; }, "The byte where the scan ended.")
      .def_property_readonly(
          "field", [](const Report& self) { return py::bytes(self.field); },
          "The enclosing member of the outermost object, with its escapes.")
      .def_property_readonly(
          "items", [](const Report& self) { return self.scan.items; },
          "Scalars, objects, arrays and names of members.")
      .def_property_readonly("has_lone_surrogate",
                             [](const Report& self) { return self.scan.has_lone_surrogate; })
      .def_property_readonly("has_exponent",
                             [](const Report& self) { return self.scan.has_exponent; });
  module->def("scan_json", &ScanBytes, py::arg("data"), py::kw_only(), py::arg("depth"),
              py::arg("items"), py::arg("number_bytes"),
              "Reads bytes once without the GIL; nothing is built.");
  module->def("count_proto_fields", &CountFields, py::arg("data"), py::kw_only(), py::arg("most"),
              "Counts the fields of the outermost protobuf message; stops at most + 1.");
}

}  // namespace sentiric::bindings
