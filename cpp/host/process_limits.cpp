// SPDX-License-Identifier: AGPL-3.0-only
#include "host/process_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace sentiric {
namespace {

constexpr char kLimits[] = "limits";
constexpr char kNoNewPrivileges[] = "no new privileges";

#ifdef __linux__

constexpr int kOutOfMemoryScore = 500;  // of -1000 .. 1000
constexpr rlim_t kMaxFiles = 1024;
constexpr rlim_t kMaxFilesOfDrivers = 65536;  // CUDA opens several for each GPU and stream

void AddFailure(const char* what, int error, std::string* failures) {
  if (!failures->empty()) *failures += ", ";
  *failures += std::string(what) + ": " + std::strerror(error);
}

// Lowers both the limit and what it may be raised to.
template <typename Resource>
void Lower(Resource resource, rlim_t most, const char* name, std::string* failures) {
  struct rlimit limit;
  if (::getrlimit(resource, &limit) == 0) {
    limit.rlim_max = std::min(limit.rlim_max, most);
    limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
    if (::setrlimit(resource, &limit) == 0) return;
  }
  AddFailure(name, errno, failures);
}

// Memory holds prompts and cached states of all callers: neither a core dump nor another process of
// this user may read it. RLIMIT_CORE does not stop a core_pattern that is a pipe; being undumpable
// does. It also gives /proc/self to root, but what a process may always see of itself stays
// readable: status, cgroup, maps, fd. A debugger and a crash reporter that attach from outside need
// CAP_SYS_PTRACE from now on; a handler inside the process goes on working.
void HideMemory(std::string* failures) {
  Lower(RLIMIT_CORE, 0, "RLIMIT_CORE", failures);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) AddFailure("PR_SET_DUMPABLE", errno, failures);
}

// Growing an inherited memfd counts as well: its owner gives it its size. Pipes and sockets do not.
void ForbidGrowingFiles(std::string* failures) {
  std::signal(SIGXFSZ, SIG_IGN);  // the write fails with EFBIG instead of ending the process
  Lower(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE", failures);
}

#endif

}  // namespace

#ifdef __linux__

Protection LimitProcess(const LimitRules& rules) {
  std::string failures;
  if (!PreferOutOfMemoryKiller()) failures = "oom_score_adj: cannot be raised";
  HideMemory(&failures);
  Lower(RLIMIT_NOFILE, rules.uses_devices ? kMaxFilesOfDrivers : kMaxFiles, "RLIMIT_NOFILE",
        &failures);
  // A driver keeps files of its own in memory.
  if (!rules.writes_files && !rules.uses_devices) ForbidGrowingFiles(&failures);
  return {kLimits, failures.empty() ? Hold::kOn : Hold::kPartly, failures};
}

Protection ProbeLimits() { return {kLimits, Hold::kOn, ""}; }

Protection ForbidNewPrivileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Refused(kNoNewPrivileges, errno);
  return {kNoNewPrivileges, Hold::kOn, ""};
}

Protection ProbeNewPrivileges() {
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0) return Refused(kNoNewPrivileges, ENOSYS);
  return {kNoNewPrivileges, Hold::kOn, ""};
}

// Not RLIMIT_AS: it counts address space, so it would refuse the mapped weights, which cost nothing
// that cannot be dropped. RLIMIT_DATA counts private writable memory when it is mapped, touched or
// not.
bool LimitGrowth(std::uint64_t bytes) {
  std::uint64_t total, resident, shared, text, library, data;  // pages
  std::ifstream pages("/proc/self/statm");
  if (!(pages >> total >> resident >> shared >> text >> library >> data)) return false;
  const auto now = data * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::string failures;
  Lower(RLIMIT_DATA, static_cast<rlim_t>(now + bytes), "RLIMIT_DATA", &failures);
  return failures.empty();
}

bool PreferOutOfMemoryKiller() {
  const char* path = "/proc/self/oom_score_adj";
  int score = 0;
  if (std::ifstream(path) >> score && score >= kOutOfMemoryScore) return true;
  return static_cast<bool>(std::ofstream(path) << kOutOfMemoryScore << std::flush);
}

#else

Protection LimitProcess(const LimitRules&) { return Refused(kLimits, ENOSYS); }
Protection ProbeLimits() { return Refused(kLimits, ENOSYS); }
Protection ForbidNewPrivileges() { return Refused(kNoNewPrivileges, ENOSYS); }
Protection ProbeNewPrivileges() { return Refused(kNoNewPrivileges, ENOSYS); }
bool LimitGrowth(std::uint64_t) { return false; }
bool PreferOutOfMemoryKiller() { return false; }

#endif

}  // namespace sentiric
