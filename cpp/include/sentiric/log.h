// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <vector>

namespace sentiric {

// A line that llama.cpp or the engine logged. The engine writes nothing to stdout or stderr: the
// embedding program takes the lines and logs them.
struct LogLine {
  enum class Level { kDebug, kInfo, kWarn, kError };
  Level level;
  std::string text;  // without the line end
};

// The lines since the last call, oldest first. At most the newest 2 000 are kept; a line reports
// how many were lost. Thread-safe; one buffer per process.
std::vector<LogLine> TakeLogLines();

// From now on each line is also written to the descriptor at once, as a letter for its level, a
// space and the text: what a process logs just before it dies is not lost. A line that the
// descriptor does not take without waiting is dropped.
void CopyLogLinesTo(int fd);

}  // namespace sentiric
