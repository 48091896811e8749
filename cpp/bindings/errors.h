// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <pybind11/pybind11.h>

#include "sentiric/error.h"

namespace sentiric::bindings {

// Carries an Error to the binding, where it becomes the Python exception of its code.
class ErrorException : public std::exception {
 public:
  explicit ErrorException(Error what_happened) : error(std::move(what_happened)) {}
  const Error error;
};

// Returns the value or throws the Error as an ErrorException.
template <typename T>
T Unwrap(Result<T> result) {
  if (!result) throw ErrorException(result.error());
  return std::move(result).value();
}

void BindErrors(pybind11::module_* module);

}  // namespace sentiric::bindings
