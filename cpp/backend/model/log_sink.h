// SPDX-License-Identifier: AGPL-3.0-only
// Collects llama.cpp's log lines, which would otherwise go to stderr.
#pragma once

#include "sentiric/log.h"

namespace sentiric::backend {

// Redirects the library's log to the buffer behind TakeLogLines(). Idempotent, thread-safe.
void InstallLogSink();

// Adds a line of our own.
void AddLogLine(const LogLine& line);

// The newest error line in the buffer, or `fallback`: the library reports reasons only in its log.
// Does not change the buffer.
std::string LastLoggedError(const std::string& fallback);

}  // namespace sentiric::backend
