// SPDX-License-Identifier: AGPL-3.0-only
// A test's body in a process of its own, which may end in any way.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "check.h"
#include "host/protection.h"

namespace sentiric::testing {

// What the child says goes through a pipe: a sandboxed process may have lost its standard output,
// if that is a file.
class Child {
 public:
  explicit Child(int fd) : fd_(fd) {}

  void Expect(bool holds, const char* file, int line, const char* text) const {
    if (!holds) Say("  " + std::string(file) + ":" + std::to_string(line) + ": " + text);
    if (!holds) is_sound_ = false;
  }
  // A line that is no failure.
  void Say(const std::string& text) const {
    const std::string line = text + "\n";
    if (::write(fd_, line.data(), line.size()) < 0) ::_exit(3);
  }
  // False, and says so, when a layer is not in force: what it does cannot be tested here.
  bool Has(const Protection& protection) const {
    if (!protection.holds()) Say("  skipped in part: " + Line(protection));
    return protection.holds();
  }
  bool is_sound() const { return is_sound_; }

 private:
  const int fd_;
  mutable bool is_sound_ = true;
};

// The status of waitpid. Leaves with _exit: sanitizers look for leaks at an ordinary exit, with
// processes and ptrace.
template <typename Body>
int StatusOf(Body body) {
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) return -1;
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    const Child child(ends[1]);
    body(child);
    ::_exit(child.is_sound() ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said(4096, '\0');
  for (ssize_t got; (got = ::read(ends[0], said.data(), said.size())) > 0;) {
    std::fwrite(said.data(), 1, static_cast<std::size_t>(got), stdout);
  }
  ::close(ends[0]);
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace sentiric::testing

#define IN_CHILD(...) \
  check::Equal(__FILE__, __LINE__, "the child's exit", sentiric::testing::StatusOf(__VA_ARGS__), 0)
#define CHILD_EXPECT(child, ...) \
  (child).Expect(static_cast<bool>(__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__)
