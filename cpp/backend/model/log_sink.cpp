// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/log_sink.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <mutex>  // call_once
#include <utility>

#include "core/sync/mutex.h"
#include "llama.h"
#include "log.h"

namespace sentiric {
namespace backend {
namespace {

constexpr std::size_t kMaxLines = 2000;
constexpr std::size_t kMaxCopied = 2048;  // bytes of a line; writes of that size are not split

LogLine::Level LevelOf(ggml_log_level level) {
  switch (level) {
    case GGML_LOG_LEVEL_ERROR: return LogLine::Level::kError;
    case GGML_LOG_LEVEL_WARN: return LogLine::Level::kWarn;
    case GGML_LOG_LEVEL_INFO: return LogLine::Level::kInfo;
    default: return LogLine::Level::kDebug;
  }
}

// Lines about a KV cache that is full for now: the engine handles and counts that.
bool IsRoutine(const std::string& line) {
  for (const char* part : {"failed to find a memory slot", "available cells in kv cache",
                           "failed to restore kv cache"}) {
    if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

class Buffer {
 public:
  void Add(ggml_log_level level, const char* text) {
    const MutexLock lock(&mutex_);
    if (level != GGML_LOG_LEVEL_CONT) level_ = LevelOf(level);
    for (const char* c = text; *c != '\0'; ++c) {
      if (*c == '\n') {
        EndLine();
      } else {
        open_ += *c;
      }
    }
  }

  void Add(const LogLine& line) {
    const MutexLock lock(&mutex_);
    Keep(line);
  }

  std::string LastError(const std::string& fallback) {
    const MutexLock lock(&mutex_);
    const auto found = std::find_if(lines_.rbegin(), lines_.rend(), [](const LogLine& line) {
      return line.level == LogLine::Level::kError;
    });
    return found == lines_.rend() ? fallback : found->text;
  }

  std::vector<LogLine> Take() {
    const MutexLock lock(&mutex_);
    std::vector<LogLine> lines;
    if (num_lost_ > 0) {
      lines.push_back({LogLine::Level::kWarn, std::to_string(num_lost_) + " log lines were lost"});
      num_lost_ = 0;
    }
    for (LogLine& line : lines_) lines.push_back(std::move(line));
    lines_.clear();
    return lines;
  }

  void CopyTo(int fd) {
    const MutexLock lock(&mutex_);
    copy_ = fd;
  }

  // Called around a fork: a lock that another thread holds would stay locked in the child. The
  // analysis cannot follow locks across calls of the C library.
  void Hold() NO_THREAD_SAFETY_ANALYSIS { mutex_.Lock(); }
  void Release() NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }

 private:
  void EndLine() REQUIRES(mutex_) {
    const LogLine::Level level = IsRoutine(open_) ? LogLine::Level::kDebug : level_;
    if (!open_.empty()) Keep({level, std::exchange(open_, {})});
  }

  void Copy(const LogLine& line) REQUIRES(mutex_) {
    if (copy_ < 0) return;
    const char level = "DIWE"[static_cast<int>(line.level)];
    const std::string copy = std::string(1, level) + " " + line.text.substr(0, kMaxCopied) + "\n";
    (void)!write(copy_, copy.data(), copy.size());
  }

  void Keep(LogLine line) REQUIRES(mutex_) {
    Copy(line);
    lines_.push_back(std::move(line));
    if (lines_.size() > kMaxLines) {
      lines_.pop_front();
      ++num_lost_;
    }
  }

  Mutex mutex_;
  LogLine::Level level_ GUARDED_BY(mutex_) = LogLine::Level::kInfo;
  std::string open_ GUARDED_BY(mutex_);
  std::deque<LogLine> lines_ GUARDED_BY(mutex_);
  std::uint64_t num_lost_ GUARDED_BY(mutex_) = 0;
  int copy_ GUARDED_BY(mutex_) = -1;
};

// Never destroyed, because the library may log until the process ends.
Buffer& TheBuffer() {
  static auto* buffer = new Buffer;
  return *buffer;
}

}  // namespace

void InstallLogSink() {
  static std::once_flag installed;
  std::call_once(installed, [] {
    llama_log_set(
        [](ggml_log_level level, const char* text, void*) { TheBuffer().Add(level, text); },
        nullptr);
    pthread_atfork([] { TheBuffer().Hold(); }, [] { TheBuffer().Release(); },
                   [] { TheBuffer().Release(); });
    common_log_set_verbosity_thold(-1);  // common would write to stderr
  });
}

void AddLogLine(const LogLine& line) { TheBuffer().Add(line); }

std::string LastLoggedError(const std::string& fallback) { return TheBuffer().LastError(fallback); }

}  // namespace backend

std::vector<LogLine> TakeLogLines() { return backend::TheBuffer().Take(); }

void CopyLogLinesTo(int fd) { backend::TheBuffer().CopyTo(fd); }

}  // namespace sentiric
