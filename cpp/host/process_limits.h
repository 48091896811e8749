// SPDX-License-Identifier: AGPL-3.0-only
// What one process may take from the machine, and what it may become.
#pragma once

#include <cstdint>

#include "host/protection.h"

namespace sentiric {

struct LimitRules {
  bool writes_files = false;
  bool uses_devices = false;
};

// PreferOutOfMemoryKiller, no core dumps, no debugger of the same user, few open files, no files
// that grow unless it writes some. Limits are per process and cannot be
// raised again without privileges; the number of processes is not among them, because it counts all
// of the user's.
Protection LimitProcess(const LimitRules& rules);
Protection ProbeLimits();  // changes nothing

// Programs that are executed from here on gain nothing from set-user-ID bits or file capabilities.
// Landlock and seccomp require it.
Protection ForbidNewPrivileges();
Protection ProbeNewPrivileges();  // changes nothing

// Private writable memory may grow by so much from now on. What asks for more gets none, which a
// process that its control group kills cannot say. Stacks of new threads count in full, mapped
// weights do not. False when the system refuses. Not with a GPU: drivers reserve much.
bool LimitGrowth(std::uint64_t bytes);

// When memory runs out, the kernel should take this process and not the one that serves its
// clients. Never lowers the score; false when it cannot be raised. Works only before the rest of
// LimitProcess, which closes /proc/self/oom_score_adj to users without privileges, and before
// landlock.
bool PreferOutOfMemoryKiller();

}  // namespace sentiric
