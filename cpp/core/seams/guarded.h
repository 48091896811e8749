// SPDX-License-Identifier: AGPL-3.0-only
// Keeps exceptions of the libraries behind a seam from leaving it.
#pragma once

#include <exception>
#include <new>
#include <optional>
#include <type_traits>

#include "sentiric/error.h"

namespace sentiric {

// What Guarded() returns for a task that returns T.
template <typename T>
struct GuardedResult {
  using type = Result<T>;
};
template <typename T>
struct GuardedResult<Result<T>> {
  using type = Result<T>;
};
template <>
struct GuardedResult<void> {
  using type = Status;
};

// Runs the task. What it throws becomes an Error of `where`: kOutOfMemory for bad_alloc, kInternal
// for the rest.
template <typename Task, typename T = std::invoke_result_t<Task&>>
typename GuardedResult<T>::type Guarded(const char* where, Task&& task) {
  try {
    if constexpr (std::is_void_v<T>) {
      task();
      return std::nullopt;
    } else {
      return task();
    }
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, where, "not enough memory"};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, where, e.what()};
  } catch (...) {
    return Error{ErrorCode::kInternal, where, "unknown exception"};
  }
}

}  // namespace sentiric
