// SPDX-License-Identifier: AGPL-3.0-only
// Turns failed assertions of llama.cpp into exceptions.
#pragma once

#include <stdexcept>

namespace sentiric::backend {

// Thrown instead of aborting the process when an assertion of the backend fails on a guarded
// thread.
class BackendAbort : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// During its lifetime a failing GGML_ASSERT on this thread throws BackendAbort, which unwinds
// through the library's C frames. Assertions on the library's compute threads still end the
// process: a guard is a safety net behind input validation, not a substitute for it. Guards nest.
class AbortGuard {
 public:
  AbortGuard();
  ~AbortGuard();
  AbortGuard(const AbortGuard&) = delete;
  AbortGuard& operator=(const AbortGuard&) = delete;
};

}  // namespace sentiric::backend
