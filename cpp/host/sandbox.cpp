// SPDX-License-Identifier: AGPL-3.0-only
#include "host/sandbox.h"

#include <algorithm>

#include "host/landlock.h"
#include "host/process_limits.h"
#include "host/seccomp_filter.h"

namespace sentiric {

bool SandboxReport::is_whole() const {
  const std::vector<Protection> all = parts();
  return std::all_of(all.begin(), all.end(),
                     [](const Protection& part) { return part.hold == Hold::kOn; });
}

std::vector<std::string> SandboxReport::Lines() const {
  std::vector<std::string> lines;
  for (const Protection& part : parts()) lines.push_back(Line(part));
  return lines;
}

SandboxReport EnterSandbox(const SandboxRules& rules) {
  SandboxReport report;
  report.landlock_abi = LandlockAbi();
  report.limits = LimitProcess({!rules.writable.empty(), rules.uses_devices});
  report.no_new_privileges = ForbidNewPrivileges();
  report.landlock = RestrictFiles({rules.readable, rules.writable, rules.uses_devices});
  report.seccomp = FilterCalls(rules.uses_devices);  // last: the others make calls that it refuses
  return report;
}

SandboxReport ProbeSandbox() {
  SandboxReport report;
  report.landlock_abi = LandlockAbi();
  report.limits = ProbeLimits();
  report.no_new_privileges = ProbeNewPrivileges();
  report.landlock = ProbeLandlock();
  report.seccomp = ProbeFilter();
  return report;
}

}  // namespace sentiric
