// SPDX-License-Identifier: AGPL-3.0-only
#include "bindings/errors.h"

namespace sentiric::bindings {
namespace py = pybind11;

namespace {

void Raise(const Error& error) {
  const py::object make = py::module_::import("sentiric_llama.errors").attr("make_error");
  const py::object exception =
      make(std::string(ErrorCodeName(error.code)), error.where, error.what);
  exception.attr("retry_ms") = error.retry_ms;
  PyErr_SetObject(py::type::of(exception).ptr(), exception.ptr());
}

py::list ErrorCodeNames() {
  py::list names;
  for (int code = 0; code <= static_cast<int>(kLastErrorCode); ++code) {
    names.append(std::string(ErrorCodeName(static_cast<ErrorCode>(code))));
  }
  return names;
}

}  // namespace

void BindErrors(py::module_* module) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const ErrorException& e) {
      Raise(e.error);
    }
  });
  module->def("error_code_names", &ErrorCodeNames, "Names of all error codes, in order.");
}

}  // namespace sentiric::bindings
