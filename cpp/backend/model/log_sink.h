// SPDX-License-Identifier: AGPL-3.0-only
// Collects llama.cpp's log lines, which would otherwise go to stderr.
#pragma once

#include "sentiric/log.h"

namespace sentiric::backend {

// Redirects the library's log to the buffer behind TakeLogLines(). Idempotent, thread-safe.
void InstallLogSink();

// A line of our own.
void AddLogLine(const LogLine& line);

// The newest error line now in the buffer, or `fallback`: the library explains failures in its log
// only. Leaves the buffer as it is.
std::string LastLoggedError(const std::string& fallback);

}  // namespace sentiric::backend
