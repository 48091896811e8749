// SPDX-License-Identifier: AGPL-3.0-only
// Seccomp: the kernel refuses system calls that the engine process has no use for.
#pragma once

#include "host/protection.h"

namespace sentiric {

// From now on all threads of this process start threads, but no process and no program, signal
// themselves alone, and set up no connection; sockets that are open go on sending and receiving.
// They must not be datagram sockets, because a message on one names its receiver in memory, which
// no filter sees. denied_calls.cpp lists the rest. Refused calls fail with EPERM. Needs
// no_new_privs.
//
// uses_devices: GPU drivers may have local stream sockets of their own, and listen on them.
Protection FilterCalls(bool uses_devices);
Protection ProbeFilter();  // changes nothing

}  // namespace sentiric
