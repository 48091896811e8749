// SPDX-License-Identifier: AGPL-3.0-only
// One layer of the sandbox, and whether it holds.
#pragma once

#include <string>

namespace sentiric {

enum class Hold {
  kOn,
  kPartly,       // it holds, but for what `detail` names
  kUnavailable,  // this system does not have it
  kFailed,       // this system has it, and `detail` says why it does not hold
};

struct Protection {
  std::string name;
  Hold hold = Hold::kUnavailable;
  std::string detail;  // short English, may be empty

  bool holds() const { return hold == Hold::kOn || hold == Hold::kPartly; }
};

// One line for people: "landlock: on (ABI 7)", "seccomp: not offered by this kernel".
std::string Line(const Protection& protection);

// A layer that the system refused with this errno.
Protection Refused(std::string name, int error);

// Whether this process has more threads than the one that asks. Some layers hold only the calling
// thread and those that it starts later.
bool RunsOtherThreads();

}  // namespace sentiric
