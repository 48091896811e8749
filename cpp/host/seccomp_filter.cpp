// SPDX-License-Identifier: AGPL-3.0-only
#include "host/seccomp_filter.h"

#include <cerrno>

#if defined(__linux__) && defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__)) && \
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SENTIRIC_HAS_FILTER 1
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "host/denied_calls.h"
#include "host/seccomp_program.h"
#endif

namespace sentiric {
namespace {

constexpr char kName[] = "seccomp";

#ifdef SENTIRIC_HAS_FILTER

#ifdef __x86_64__
constexpr std::uint32_t kArchitecture = 0xC000003E;  // AUDIT_ARCH_X86_64
#else
constexpr std::uint32_t kArchitecture = 0xC00000B7;  // AUDIT_ARCH_AARCH64
#endif

constexpr int kClone3 = 435;
constexpr std::uint32_t kNewNamespaces = 0x7E020000;  // CLONE_NEW*

constexpr unsigned kSetFilter = 1;   // SECCOMP_SET_MODE_FILTER
constexpr unsigned kAllThreads = 1;  // SECCOMP_FILTER_FLAG_TSYNC
// SECCOMP_FILTER_FLAG_SPEC_ALLOW. Without it kernels before 5.16 slow the process's memory access
// down, so that code in it cannot guess at its other memory; here all code may read all of it.
constexpr unsigned kFullSpeed = 4;

using Check = ArgumentCheck;

// glibc takes ENOSYS of clone3, whose flags are in memory, as a reason to use clone.
void AllowThreadsAlone(SeccompProgram* program) {
  const Check makes_thread{0, true, {CLONE_THREAD}, CLONE_THREAD | kNewNamespaces};
  program->AllowIf(SYS_clone, {makes_thread}, EPERM);
  program->Refuse(kClone3, ENOSYS);
}

// abort and raise signal their own process. Some calls take 0 for it; to kill, 0 is the group, of
// which the process that started this one is a part.
void AllowItselfAlone(SeccompProgram* program) {
  const auto self = static_cast<std::uint32_t>(::getpid());
  for (const int call : {SYS_kill, SYS_tgkill}) {
    program->AllowIf(call, {{0, true, {self}}}, EPERM);
  }
  for (const int call : {SYS_prlimit64, SYS_move_pages, SYS_migrate_pages}) {
    program->AllowIf(call, {{0, true, {0, self}}}, EPERM);
  }
  // Signals on input would go to whom these name; what TIOCSTI types, a shell reads.
  constexpr std::uint32_t kSetSignal = 10, kSetOwner = 15;  // F_SETSIG, F_SETOWN_EX
  program->AllowIf(SYS_fcntl, {{1, false, {F_SETOWN, kSetSignal, kSetOwner}}}, EPERM);
  program->AllowIf(SYS_ioctl, {{1, false, {TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP}}}, EPERM);
}

// libcuda starts only if it may listen on a local socket of its own; it connects to none. Datagram
// sockets stay closed: see FilterCalls.
void AllowLocalSockets(SeccompProgram* program) {
  const Check is_local{0, true, {AF_UNIX}};
  const Check is_stream{1, true, {SOCK_STREAM, SOCK_SEQPACKET}, 0xf};
  for (const int call : {SYS_socket, SYS_socketpair}) {
    program->AllowIf(call, {is_local, is_stream}, EPERM);
  }
}

void RefuseSockets(SeccompProgram* program) {
  for (const int call :
       {SYS_socket, SYS_socketpair, SYS_bind, SYS_listen, SYS_accept, SYS_accept4}) {
    program->Refuse(call, EPERM);
  }
}

std::vector<FilterStep> FilterFor(bool uses_devices) {
  SeccompProgram program(kArchitecture);
  // As on an older kernel. The numbers of the x32 interface are above it, too.
  program.RefuseAbove(kLastReviewedCall, ENOSYS);
  for (const DeniedCall& call : DeniedCalls()) program.Refuse(call.number, EPERM);
  AllowThreadsAlone(&program);
  AllowItselfAlone(&program);
  if (uses_devices) {
    AllowLocalSockets(&program);
  } else {
    RefuseSockets(&program);
  }
  // send is sendto without a receiver.
  program.AllowIf(SYS_sendto, {{4, true, {0}}, {4, true, {0}, 0xffffffff, Check::Half::kHigh}},
                  EPERM);
  return program.Finish();
}

// As the kernel defines `struct sock_fprog`.
struct Program {
  unsigned short length;
  const FilterStep* steps;
};

// 0; the errno; or -1 when another thread stood in the way.
int Install(const std::vector<FilterStep>& steps, unsigned flags) {
  const Program program{static_cast<unsigned short>(steps.size()), steps.data()};
  const long result = ::syscall(SYS_seccomp, kSetFilter, flags, &program);
  if (result == 0) return 0;
  return result < 0 ? errno : -1;
}

#endif

}  // namespace

#ifdef SENTIRIC_HAS_FILTER

Protection FilterCalls(bool uses_devices) {
  const std::vector<FilterStep> steps = FilterFor(uses_devices);
  const bool is_alone = !RunsOtherThreads();
  for (const unsigned flags : {kAllThreads | kFullSpeed, kAllThreads}) {
    if (Install(steps, flags) == 0) return {kName, Hold::kOn, ""};
  }
  int error = 0;
  for (const unsigned flags : {kFullSpeed, 0U}) {
    error = Install(steps, flags);
    if (error != 0) continue;
    if (is_alone) return {kName, Hold::kOn, ""};
    return {kName, Hold::kPartly, "not for threads that ran before"};
  }
  return Refused(kName, error);
}

Protection ProbeFilter() {
  // A filter that cannot be read is refused as such only where filters exist.
  ::syscall(SYS_seccomp, kSetFilter, kAllThreads, nullptr);
  if (errno == EFAULT) return {kName, Hold::kOn, ""};
  return Refused(kName, errno == EINVAL ? ENOSYS : errno);
}

#else

Protection FilterCalls(bool) {
  return {kName, Hold::kUnavailable, "not written for this processor and system"};
}
Protection ProbeFilter() { return FilterCalls(false); }

#endif

}  // namespace sentiric
