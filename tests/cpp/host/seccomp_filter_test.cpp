// SPDX-License-Identifier: AGPL-3.0-only
// Calls that the sandbox refuses, and those that an engine needs and goes on having.
#include "host/seccomp_filter.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "check.h"
#include "child_process.h"
#include "host/denied_calls.h"
#include "host/sandbox.h"

using namespace sentiric;
using sentiric::testing::Child;
using sentiric::testing::StatusOf;

namespace {

// The errno of what returned -1; 0 of any other result.
int ErrorOf(long result) { return result == -1 ? errno : 0; }

// Enters the sandbox and runs the body if there is a filter.
template <typename Body>
void InFilter(Body body) {
  IN_CHILD([&](const Child& child) {
    if (child.Has(EnterSandbox({}).seccomp)) body(child);
  });
}

struct LoopbackServer {
  LoopbackServer() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_sound = ::bind(fd, generic(), size) == 0 && ::listen(fd, 4) == 0 &&
               ::getsockname(fd, generic(), &size) == 0;
  }
  ~LoopbackServer() { ::close(fd); }
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address); }

  const int fd;
  sockaddr_in address{};
  bool is_sound = false;
};

// A process that sleeps until the test ends.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ == 0) {
      ::pause();
      ::_exit(0);
    }
  }
  ~Sleeper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

// Sends a byte with a descriptor's own address, and takes it at the other end.
bool Passes(int from, int to) {
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return ::sendmsg(from, &message, MSG_NOSIGNAL) == 1 && ::recvmsg(to, &message, 0) == 1 &&
         ::send(from, &byte, 1, MSG_NOSIGNAL) == 1 && ::recv(to, &byte, 1, 0) == 1 &&
         ::write(from, &byte, 1) == 1 && ::read(to, &byte, 1) == 1;
}

// How a process in the sandbox ends that signals itself.
template <typename Body>
int SignalOf(Body body) {
  const int status = StatusOf([&](const Child&) {
    for (const int number : {SIGSEGV, SIGABRT}) std::signal(number, SIG_DFL);  // sanitizers' own
    EnterSandbox({});
    body();
  });
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST(SeccompFilter, NoConnectionIsSetUp) {
  LoopbackServer server;
  ASSERT(server.is_sound);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  InFilter([&](const Child& child) {
    CHILD_EXPECT(child,
                 ErrorOf(::connect(client, server.generic(), sizeof server.address)) == EPERM);
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET}) {
      CHILD_EXPECT(child, ErrorOf(::socket(family, SOCK_STREAM, 0)) == EPERM);
    }
    CHILD_EXPECT(child, ErrorOf(::accept(server.fd, nullptr, nullptr)) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::listen(client, 1)) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::bind(client, server.generic(), sizeof server.address)) == EPERM);
  });
  ::close(client);
}

TEST(SeccompFilter, AnInheritedSocketGoesOn) {
  std::array<int, 2> pair;
  ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  InFilter([&](const Child& child) {
    CHILD_EXPECT(child, Passes(pair[0], pair[1]) && Passes(pair[1], pair[0]));
    sockaddr_un other{AF_UNIX, "/run/other"};
    auto* address = reinterpret_cast<sockaddr*>(&other);
    CHILD_EXPECT(child, ErrorOf(::sendto(pair[0], "x", 1, 0, address, sizeof other)) == EPERM);
    std::array<int, 2> more;
    CHILD_EXPECT(child, ErrorOf(::socketpair(AF_UNIX, SOCK_STREAM, 0, more.data())) == EPERM);
    CHILD_EXPECT(child, ::pipe(more.data()) == 0 && ::write(more[1], "x", 1) == 1);
  });
  for (const int fd : pair) ::close(fd);
}

TEST(SeccompFilter, NoProcessAndNoProgramIsStarted) {
  InFilter([](const Child& child) {
    char name[] = "/bin/true";
    std::array<char*, 2> words = {name, nullptr};
    CHILD_EXPECT(child, ErrorOf(::execv(name, words.data())) == EPERM);
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    CHILD_EXPECT(child, pid == -1 && errno == EPERM);
    pid_t spawned = 0;
    CHILD_EXPECT(child,
                 ::posix_spawn(&spawned, name, nullptr, nullptr, words.data(), nullptr) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) == EPERM);
  });
}

TEST(SeccompFilter, ThreadsStartAndAreHeld) {
  InFilter([](const Child& child) {
    std::atomic<int> error{0};
    std::thread([&] {
      std::thread([&] { error = ErrorOf(::socket(AF_INET, SOCK_STREAM, 0)); }).join();
    }).join();
    CHILD_EXPECT(child, error == EPERM);
    CHILD_EXPECT(child, ErrorOf(::syscall(435, nullptr, 0)) == ENOSYS);  // clone3
  });
}

TEST(SeccompFilter, AThreadThatRanBeforeIsHeldAsWell) {
  IN_CHILD([](const Child& child) {
    std::atomic<bool> is_in{false};
    std::atomic<int> socket_error{0}, open_error{0};
    std::thread before([&] {
      while (!is_in) std::this_thread::yield();
      socket_error = ErrorOf(::socket(AF_INET, SOCK_STREAM, 0));
      open_error = ErrorOf(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    });
    const SandboxReport report = EnterSandbox({});
    is_in = true;
    before.join();
    if (child.Has(report.seccomp)) {
      CHILD_EXPECT(child, (report.seccomp.hold == Hold::kOn) == (socket_error == EPERM));
      CHILD_EXPECT(child, report.seccomp.hold == Hold::kOn);
    }
    // Landlock can do so from ABI 8 on. The report must say which it is.
    if (!child.Has(report.landlock)) return;
    CHILD_EXPECT(child, (report.landlock.hold == Hold::kOn) == (open_error == EACCES));
    CHILD_EXPECT(child, (report.landlock.hold == Hold::kOn) == (report.landlock_abi >= 8));
  });
}

TEST(SeccompFilter, OtherProcessesAreOutOfReach) {
  const Sleeper other;
  InFilter([&](const Child& child) {
    for (const pid_t pid : {other.pid(), ::getppid(), 0, -1, -other.pid(), -::getpid()}) {
      CHILD_EXPECT(child, ErrorOf(::kill(pid, 0)) == EPERM);
    }
    CHILD_EXPECT(child, ErrorOf(::syscall(SYS_tgkill, other.pid(), other.pid(), SIGTERM)) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::syscall(SYS_tkill, other.pid(), SIGTERM)) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::ptrace(PTRACE_ATTACH, other.pid(), nullptr, nullptr)) == EPERM);
    rlimit limit;
    CHILD_EXPECT(child, ErrorOf(::prlimit(other.pid(), RLIMIT_CPU, nullptr, &limit)) == EPERM);
    CHILD_EXPECT(child, ::getrlimit(RLIMIT_CPU, &limit) == 0);
    std::array<int, 2> ends;
    CHILD_EXPECT(child, ::pipe(ends.data()) == 0);
    CHILD_EXPECT(child, ErrorOf(::fcntl(ends[0], F_SETOWN, other.pid())) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::ioctl(ends[0], FIOSETOWN, &limit)) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::ioctl(0, TIOCSTI, "x")) == EPERM);
    int waiting = -1;
    CHILD_EXPECT(child, ::ioctl(ends[0], FIONREAD, &waiting) == 0 && waiting == 0);
    CHILD_EXPECT(child, ::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  });
  EXPECT_EQ(::kill(other.pid(), 0), 0);
}

TEST(SeccompFilter, AProcessStillEndsByItsOwnSignals) {
  EXPECT_EQ(SignalOf([] { std::abort(); }), SIGABRT);
  EXPECT_EQ(SignalOf([] { std::raise(SIGSEGV); }), SIGSEGV);
  EXPECT_EQ(SignalOf([] { ::kill(::getpid(), SIGTERM); }), SIGTERM);
  EXPECT_EQ(SignalOf([] { std::thread([] { std::raise(SIGABRT); }).join(); }), SIGABRT);
}

TEST(SeccompFilter, EveryDeniedCallIsRefused) {
  InFilter([](const Child& child) {
    CHILD_EXPECT(child, DeniedCalls().size() > 80);
    for (const DeniedCall& call : DeniedCalls()) {
      const int error = ErrorOf(::syscall(call.number, -1, -1, -1, -1, -1, -1));
      child.Expect(error == EPERM, __FILE__, __LINE__, call.name);
    }
    CHILD_EXPECT(child, ErrorOf(::syscall(kLastReviewedCall + 1, 0, 0, 0)) == ENOSYS);
  });
}

#ifdef __x86_64__
// The same numbers mean other calls there: 20 is getpid for a 32-bit program and writev here.
TEST(SeccompFilter, CallsOfOtherInterfacesAreNoWayOut) {
  const int status = StatusOf([](const Child& child) {
    if (!child.Has(EnterSandbox({}).seccomp)) std::abort();
    CHILD_EXPECT(child, ErrorOf(::syscall(0x40000000 + SYS_getpid)) == ENOSYS);  // x32
    long number = 20;
    __asm__ volatile("int $0x80" : "+a"(number) : : "memory");
  });
  EXPECT(WIFSIGNALED(status));  // SIGSYS; SIGSEGV of a kernel without this interface
}
#endif

TEST(SeccompFilter, DriversMayListenLocally) {
  IN_CHILD([](const Child& child) {
    if (!child.Has(EnterSandbox({{}, {}, true}).seccomp)) return;
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un name{AF_UNIX, ""};  // an abstract one, which the kernel chooses
    auto* address = reinterpret_cast<sockaddr*>(&name);
    CHILD_EXPECT(child, fd >= 0 && ::bind(fd, address, sizeof(sa_family_t)) == 0);
    CHILD_EXPECT(child, ::listen(fd, 1) == 0);
    CHILD_EXPECT(child, ErrorOf(::connect(fd, address, sizeof name)) == EPERM);
    std::array<int, 2> pair;
    CHILD_EXPECT(child, ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    CHILD_EXPECT(child, Passes(pair[0], pair[1]));
    // A datagram socket sends to any name.
    CHILD_EXPECT(child, ErrorOf(::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair.data())) == EPERM);
    CHILD_EXPECT(child, ErrorOf(::socket(AF_UNIX, SOCK_DGRAM, 0)) == EPERM);
    for (const int family : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET}) {
      CHILD_EXPECT(child, ErrorOf(::socket(family, SOCK_STREAM, 0)) == EPERM);
    }
    CHILD_EXPECT(child, ErrorOf(::fork()) == EPERM);
  });
}
