// SPDX-License-Identifier: AGPL-3.0-only
#include "escape.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace sentiric::testing {
namespace {

// `result` is that of a system call.
void Report(const char* layer, const std::string& what, long result) {
  const char* error = result < 0 ? std::strerror(errno) : "done";
  const std::string line = std::string("I escape ") + layer + " " + what + ": " + error + "\n";
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

void TryOpen(const std::string& path, int flags, const char* how) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  Report("landlock", how + (" " + path), fd);
  if (fd >= 0) close(fd);
}

void TrySockets() {
  Report("seccomp", "socket(AF_INET)", socket(AF_INET, SOCK_STREAM, 0));
  Report("seccomp", "socket(AF_INET6)", socket(AF_INET6, SOCK_DGRAM, 0));
  Report("seccomp", "socket(AF_UNIX)", socket(AF_UNIX, SOCK_STREAM, 0));
  std::array<int, 2> pair{};
  Report("seccomp", "socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()));
}

void TryFiles() {
  TryOpen("/etc/shadow", O_RDONLY, "read");
  TryOpen("/proc/" + std::to_string(getppid()) + "/environ", O_RDONLY, "read");
  TryOpen("/proc/" + std::to_string(getppid()) + "/mem", O_RDWR, "read");
  for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm", "/root", "."}) {
    TryOpen(std::string(folder) + "/sentiric-escaped", O_WRONLY | O_CREAT, "write");
  }
  TryOpen("/etc/passwd", O_WRONLY, "write");
}

// exec comes last: where it is allowed, this program is gone.
void TryProcesses() {
  Report("seccomp", "ptrace", ptrace(PTRACE_SEIZE, getppid(), nullptr, nullptr));
  char byte = 0;
  const iovec here{&byte, 1}, there{&byte, 1};
  const long got = process_vm_readv(getppid(), &here, 1, &there, 1, 0);
  // Of an address that is not mapped there, it would be EFAULT.
  Report("seccomp", "process_vm_readv", got < 0 && errno == EFAULT ? 0 : got);
  Report("seccomp", "kill", kill(getppid(), 0));
  Report("seccomp", "fork", fork());
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  Report("seccomp", "exec", execv("/bin/true", arguments));
}

}  // namespace

void TryToEscape() {
  TrySockets();
  TryFiles();
  TryProcesses();
}

}  // namespace sentiric::testing
