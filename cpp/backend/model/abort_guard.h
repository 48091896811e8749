// SPDX-License-Identifier: AGPL-3.0-only
// A soft landing for llama.cpp's assertions.
#pragma once

#include <stdexcept>

namespace sentiric::backend {

// Thrown in place of process death when an assertion of the backend fails on a guarded thread.
class BackendAbort : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// While one lives, a failing GGML_ASSERT on this thread throws BackendAbort, which unwinds through
// the library's C frames. Assertions on the library's own compute threads still end the process:
// the guard is a safety net behind validated input, not a substitute for it. Guards nest.
class AbortGuard {
 public:
  AbortGuard();
  ~AbortGuard();
  AbortGuard(const AbortGuard&) = delete;
  AbortGuard& operator=(const AbortGuard&) = delete;
};

}  // namespace sentiric::backend
