// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/abort_guard.h"

#include <mutex>

#include "ggml.h"

namespace sentiric::backend {
namespace {

thread_local int guard_depth = 0;

void OnAbort(const char* message) {
  // Returns without a guard; ggml then aborts the process.
  if (guard_depth > 0) throw BackendAbort(message);
}

}  // namespace

AbortGuard::AbortGuard() {
  static std::once_flag installed;
  std::call_once(installed, [] { ggml_set_abort_callback(OnAbort); });
  ++guard_depth;
}

AbortGuard::~AbortGuard() { --guard_depth; }

}  // namespace sentiric::backend
