// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/log_sink.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "check.h"

using namespace sentiric;

// A worker logs while another thread forks: the child may load a model, which logs, too.
TEST(LogSink, AForkInTheMiddleOfALineLeavesNoLock) {
  backend::InstallLogSink();
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    while (!stop) {
      backend::AddLogLine({LogLine::Level::kDebug, std::string(2000, 'x')});
      TakeLogLines();
    }
  });
  for (int i = 0; i < 300; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(5);  // instead of waiting for ever
      backend::AddLogLine({LogLine::Level::kInfo, "here"});
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    if (status != 0) break;
  }
  stop = true;
  worker.join();
}
