// SPDX-License-Identifier: AGPL-3.0-only
// The life of an engine process, from its first command to its last.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string_view>

namespace sentiric::process {

// Two inherited descriptors, and the process that started this one.
struct Arguments {
  int socket = -1;
  int page = -1;
  pid_t parent = 0;
};

// Sees each command before it is carried out; for tests.
using See = std::function<void(std::string_view)>;

// Returns the exit code. Ends the process itself when the other end of the socket is gone.
int Serve(const Arguments& arguments, const See& see = nullptr);

}  // namespace sentiric::process
