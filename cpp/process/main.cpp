// SPDX-License-Identifier: AGPL-3.0-only
// The engine process: sentiric-engine SOCKET PAGE PARENT. Started with exec by the process that
// serves, and ends with it.
#include <cstdio>
#include <cstdlib>

#include "process/serve.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("E the engine process is started by sentiric-llama, not by hand\n", stderr);
    return 64;
  }
  return sentiric::process::Serve({std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3])});
}
