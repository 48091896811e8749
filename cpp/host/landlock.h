// SPDX-License-Identifier: AGPL-3.0-only
// Landlock: the kernel lets this process open only files that are on a list, even as root.
#pragma once

#include <string>
#include <vector>

#include "host/protection.h"

namespace sentiric {

// Files and folders; a link stands for what it leads to. All of them must exist.
struct FileRules {
  std::vector<std::string> readable;
  std::vector<std::string> writable;  // folders: their files may be created, written and removed
  bool uses_devices = false;          // the files of GPUs and of their drivers
};

// From now on this thread, and what it starts, opens only these files and what a process reads
// about itself and its limits. It sets TCP connections up and reaches other processes' abstract
// sockets and signals no more, where the kernel knows how. Files that are open stay usable. Threads
// that run already are held from ABI 8 on; `detail` tells. Needs no_new_privs.
Protection RestrictFiles(const FileRules& rules);
Protection ProbeLandlock();  // changes nothing

// The version of the kernel's interface; 0 without landlock.
int LandlockAbi();

}  // namespace sentiric
