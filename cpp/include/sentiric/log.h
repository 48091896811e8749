// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <vector>

namespace sentiric {

// A line that llama.cpp logged. The engine writes nothing to stdout or stderr; whoever embeds it
// takes the lines and logs them its own way.
struct LogLine {
  enum class Level { kDebug, kInfo, kWarn, kError };
  Level level;
  std::string text;  // without the line end
};

// The lines since the last call, oldest first; at most the newest 2 000 are kept, the number lost
// is reported as a line of its own. Thread-safe; one buffer per process.
std::vector<LogLine> TakeLogLines();

}  // namespace sentiric
