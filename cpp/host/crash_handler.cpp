// SPDX-License-Identifier: AGPL-3.0-only
#include "host/crash_handler.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cxxabi.h>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

#include "core/record/doing.h"

namespace sentiric {
namespace {

constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
constexpr std::size_t kAlternateBytes = 64 * 1024;

record::FlightPage* crash_page = nullptr;  // set before any handler is installed

// Only async-signal-safe calls. The first thread to fail is noted; the default action was restored
// by hand here, so that raising the signal again ends the process as it would have.
void OnFatal(int signal, siginfo_t* info, void*) {
  record::CrashRecord& crash = crash_page->crash;
  std::int32_t none = 0;
  if (crash.signal.compare_exchange_strong(none, signal)) {
    crash.code.store(info->si_code);
    // si_pid is only there for signals that were sent.
    if (info->si_code <= 0) crash.sender.store(info->si_pid);
    crash.thread.store(record::ThisThread());
  }
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  raise(signal);
}

void Write(const char* text) { (void)!write(STDERR_FILENO, text, std::strlen(text)); }

[[noreturn]] void OnTerminate() {
  Write("terminated by an exception: ");
  const std::type_info* type = __cxxabiv1::__cxa_current_exception_type();
  Write(type == nullptr ? "none" : type->name());
  Write("\n");
  std::abort();
}

class AlternateStack {
 public:
  AlternateStack() {
    void* memory =
        mmap(nullptr, kAlternateBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    memory_ = memory;
    const stack_t stack{memory_, 0, kAlternateBytes};
    sigaltstack(&stack, nullptr);
  }
  ~AlternateStack() {
    if (memory_ == nullptr) return;
    const stack_t off{nullptr, SS_DISABLE, 0};
    sigaltstack(&off, nullptr);
    munmap(memory_, kAlternateBytes);
  }
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace

void InstallCrashHandler(record::FlightPage* page) {
  crash_page = page;
  std::set_terminate(OnTerminate);
  UseAlternateStack();
  struct sigaction action{};
  action.sa_sigaction = OnFatal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (const int signal : kFatal) sigaction(signal, &action, nullptr);
}

void UseAlternateStack() { thread_local const AlternateStack stack; }

}  // namespace sentiric
