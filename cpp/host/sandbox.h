// SPDX-License-Identifier: AGPL-3.0-only
// The sandbox that the engine process puts on itself: a hostile model file, or a mistake in the
// native code that reads it, reaches what the engine needs and nothing else of the machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/protection.h"

namespace sentiric {

struct SandboxRules {
  // Files and folders that exist: the model, all its shards, the draft model, the folder of
  // adapters. A link stands for what it leads to.
  std::vector<std::string> readable;
  // Folders that exist: the one of the disk cache.
  std::vector<std::string> writable;
  // A GPU computes. Its driver opens devices and loads libraries, so that more of the machine stays
  // readable. Its device files must exist, because no helper can be run that makes them.
  bool uses_devices = false;
};

// What holds. Each layer that does not leaves the others in force.
struct SandboxReport {
  Protection limits;
  Protection no_new_privileges;
  Protection landlock;
  Protection seccomp;
  int landlock_abi = 0;  // of the kernel; 0 without landlock

  std::vector<Protection> parts() const { return {limits, no_new_privileges, landlock, seccomp}; }
  bool is_whole() const;                   // all parts are on
  std::vector<std::string> Lines() const;  // one for each part
};

// Once, after libraries are loaded, descriptors inherited and folders created, and before the first
// byte of a model is read. Best before other threads exist: the report names what does not hold
// them. There is no way back.
SandboxReport EnterSandbox(const SandboxRules& rules);

// What this system offers. Changes nothing.
SandboxReport ProbeSandbox();

}  // namespace sentiric
