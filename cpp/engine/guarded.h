// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <exception>
#include <functional>
#include <new>

#include "sentiric/error.h"

namespace sentiric {

// Preparation must never take the process down with it: what throws there is a request's error.
template <typename T>
Result<T> Guarded(const std::function<Result<T>()>& task) {
  try {
    return task();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "prompt", "not enough memory to prepare the request"};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, "prompt", e.what()};
  }
}

}  // namespace sentiric
