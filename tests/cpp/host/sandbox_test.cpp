// SPDX-License-Identifier: AGPL-3.0-only
// What a process may still do in the sandbox, and what not. Where a kernel or a container lacks a
// layer, its part is skipped with a line.
#include "host/sandbox.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.h"
#include "child_process.h"
#include "host/cpu_budget.h"
#include "host/memory_budget.h"
#include "host/private_files.h"
#include "host/process_limits.h"
#include "temp_folder.h"

using namespace sentiric;
using sentiric::testing::Child;
using sentiric::testing::StatusOf;
using sentiric::testing::TempFolder;
namespace fs = std::filesystem;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;  // they map terabytes
#else
constexpr bool kIsSanitized = false;
#endif

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// 0, or the errno of opening.
int OpenError(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

SandboxRules Reading(std::vector<std::string> paths) {
  SandboxRules rules;
  rules.readable = std::move(paths);
  return rules;
}

rlim_t HardLimit(int resource) {
  struct rlimit limit;
  ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
  return limit.rlim_max;
}

bool StartsThread(std::size_t stack) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, stack);
  pthread_t thread;
  const auto idle = [](void*) -> void* { return nullptr; };
  const int error = ::pthread_create(&thread, &attributes, idle, nullptr);
  ::pthread_attr_destroy(&attributes);
  return error == 0 && ::pthread_join(thread, nullptr) == 0;
}

// A folder with a model and files that the model's reader has no business with.
class Machine {
 public:
  Machine() {
    for (const char* name : {"adapters", "cache", "private"}) fs::create_directory(path(name));
    Write(model(), "weights");
    Write(path("adapters/a.gguf"), "adapter");
    Write(path("private/key"), "secret");
    fs::create_symlink(path("private/key"), path("adapters/escape.gguf"));
    fs::create_symlink(model(), path("link.gguf"));
  }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string model() const { return path("model.gguf"); }

 private:
  TempFolder folder_;
};

}  // namespace

TEST(Sandbox, ItSaysWhatIsInForce) {
  IN_CHILD([](const Child& child) {
    const SandboxReport offered = ProbeSandbox();
    const SandboxReport report = EnterSandbox({});
    for (const std::string& line : report.Lines()) child.Say("  " + line);
    for (std::size_t i = 0; i < report.parts().size(); ++i) {
      CHILD_EXPECT(child, report.parts()[i].name == offered.parts()[i].name);
      CHILD_EXPECT(child, report.parts()[i].holds() == offered.parts()[i].holds());
      CHILD_EXPECT(child, report.parts()[i].holds() || !report.parts()[i].detail.empty());
    }
    CHILD_EXPECT(child, report.landlock_abi == offered.landlock_abi);
    CHILD_EXPECT(child, report.landlock.holds() == (report.landlock_abi > 0));
  });
}

TEST(Sandbox, LinesAreShort) {
  const Protection on{"landlock", Hold::kOn, "ABI 7"};
  EXPECT_EQ(Line(on), "landlock: on (ABI 7)");
  EXPECT_EQ(Line({"seccomp", Hold::kOn, ""}), "seccomp: on");
  EXPECT_EQ(Line({"seccomp", Hold::kPartly, "x"}), "seccomp: partly on (x)");
  EXPECT_EQ(Line(Refused("landlock", ENOSYS)), "landlock: not offered by this kernel");
  EXPECT_EQ(Line(Refused("landlock", EOPNOTSUPP)), "landlock: switched off in this kernel");
  EXPECT_EQ(Line(Refused("seccomp", EACCES)), "seccomp: Permission denied");
  EXPECT((SandboxReport{on, on, on, on, 7}).is_whole());
  EXPECT(!(SandboxReport{on, on, Refused("landlock", ENOSYS), on, 0}).is_whole());
}

TEST(Sandbox, AProbeChangesNothing) {
  IN_CHILD([](const Child& child) {
    const rlim_t files = HardLimit(RLIMIT_NOFILE);
    const int forbids = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);  // containers may do so
    ProbeSandbox();
    CHILD_EXPECT(child, ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == forbids);
    CHILD_EXPECT(child, OpenError("/etc/passwd", O_RDONLY) == 0);
    CHILD_EXPECT(child, HardLimit(RLIMIT_NOFILE) == files);
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    CHILD_EXPECT(child, pid > 0 && ::waitpid(pid, nullptr, 0) == pid);
  });
}

TEST(Sandbox, Limits) {
  IN_CHILD([](const Child& child) {
    const SandboxReport report = EnterSandbox({});
    int score = 0;
    std::ifstream("/proc/self/oom_score_adj") >> score;
    CHILD_EXPECT(child, (report.limits.hold == Hold::kOn) == (score >= 500));
    CHILD_EXPECT(child, HardLimit(RLIMIT_CORE) == 0);
    CHILD_EXPECT(child, HardLimit(RLIMIT_NOFILE) <= 1024);
    CHILD_EXPECT(child, HardLimit(RLIMIT_FSIZE) == 0);
    CHILD_EXPECT(child, ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    CHILD_EXPECT(child, ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  });
  IN_CHILD([](const Child& child) {
    const rlim_t files = HardLimit(RLIMIT_FSIZE);
    EnterSandbox({{}, {}, true});
    CHILD_EXPECT(child, HardLimit(RLIMIT_FSIZE) == files);
  });
}

// Weights are mapped and read; everything else is private and writable.
TEST(Sandbox, PrivateMemoryIsBoundedAndMappedFilesAreNot) {
  if (kIsSanitized) {
    std::printf("  skipped: a sanitizer needs all memory\n");
    return;
  }
  static constexpr std::size_t kBound = std::size_t{256} << 20;
  const Machine machine;
  fs::resize_file(machine.model(), 2 * kBound);
  IN_CHILD([&](const Child& child) {
    EnterSandbox({{machine.model()}, {}, false});
    CHILD_EXPECT(child, LimitGrowth(kBound));
    CHILD_EXPECT(child, HardLimit(RLIMIT_DATA) > kBound && HardLimit(RLIMIT_DATA) < 2 * kBound);
    const auto map = [](int fd, int access) {
      void* found = ::mmap(nullptr, 2 * kBound, access,
                           fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
      return found != MAP_FAILED;
    };
    CHILD_EXPECT(child, map(::open(machine.model().c_str(), O_RDONLY), PROT_READ));
    CHILD_EXPECT(child, !map(-1, PROT_READ | PROT_WRITE) && errno == ENOMEM);
    CHILD_EXPECT(child, map(-1, PROT_NONE));
    CHILD_EXPECT(child, StartsThread(kBound / 8));
    CHILD_EXPECT(child, !StartsThread(2 * kBound));  // stacks count in full
  });
}

TEST(Sandbox, ItIsTheFirstToGoWhenMemoryRunsOut) {
  IN_CHILD([](const Child& child) {
    if (!PreferOutOfMemoryKiller()) return child.Say("  skipped: the score cannot be raised");
    int score = 0;
    std::ifstream("/proc/self/oom_score_adj") >> score;
    CHILD_EXPECT(child, score >= 500);
    Write("/proc/self/oom_score_adj", "700");
    CHILD_EXPECT(child, PreferOutOfMemoryKiller());
    std::ifstream("/proc/self/oom_score_adj") >> score;
    CHILD_EXPECT(child, score == 700);  // never lower
  });
}

TEST(Sandbox, OnlyGrantedFilesAreRead) {
  const Machine machine;
  IN_CHILD([&](const Child& child) {
    const auto report =
        EnterSandbox(Reading({machine.path("link.gguf"), machine.path("adapters")}));
    CHILD_EXPECT(child, OpenError(machine.model(), O_RDONLY) == 0);
    CHILD_EXPECT(child, OpenError(machine.path("link.gguf"), O_RDONLY) == 0);
    CHILD_EXPECT(child, OpenError(machine.path("adapters"), O_RDONLY | O_DIRECTORY) == 0);
    CHILD_EXPECT(child, OpenError(machine.path("adapters/a.gguf"), O_RDONLY) == 0);
    if (!child.Has(report.landlock)) return;
    for (const std::string& path :
         {std::string("/etc/passwd"), std::string("/etc/shadow"), machine.path("private/key"),
          machine.path("adapters/escape.gguf"), std::string("/proc/self/root") + "/etc/passwd"}) {
      CHILD_EXPECT(child, OpenError(path, O_RDONLY) == EACCES);
    }
    CHILD_EXPECT(child, OpenError(machine.path("private"), O_RDONLY | O_DIRECTORY) == EACCES);
  });
}

TEST(Sandbox, NothingIsWrittenWithoutAFolder) {
  const Machine machine;
  IN_CHILD([&](const Child& child) {
    const auto report = EnterSandbox(Reading({machine.model(), machine.path("adapters")}));
    if (!child.Has(report.landlock)) return;
    for (const std::string& path : {machine.model(), machine.path("adapters/a.gguf")}) {
      CHILD_EXPECT(child, OpenError(path, O_WRONLY) == EACCES);
      CHILD_EXPECT(child, OpenError(path, O_RDWR | O_TRUNC) == EACCES);
      CHILD_EXPECT(child, ::unlink(path.c_str()) != 0 && errno == EACCES);
    }
    CHILD_EXPECT(child, OpenError(machine.path("adapters/new"), O_WRONLY | O_CREAT) == EACCES);
    CHILD_EXPECT(child, OpenError("/tmp/sentiric-new", O_WRONLY | O_CREAT) == EACCES);
    CHILD_EXPECT(child, ::mkdir(machine.path("adapters/sub").c_str(), 0700) != 0);
    CHILD_EXPECT(child, OpenError("/dev/tty", O_RDWR) != 0);
  });
  EXPECT_EQ(fs::file_size(machine.model()), 7u);
}

TEST(Sandbox, AWritableFolderTakesFiles) {
  const Machine machine;
  const std::string cache = machine.path("cache");
  IN_CHILD([&](const Child& child) {
    const auto report = EnterSandbox({{machine.model()}, {cache}, false});
    CHILD_EXPECT(child, !WritePrivateFile(cache + "/1.kv", {"state"}));  // through a rename
    CHILD_EXPECT(child, OpenError(cache + "/1.kv", O_RDONLY) == 0);
    CHILD_EXPECT(child, !WritePrivateFile(cache + "/1.kv", {"another"}));
    CHILD_EXPECT(child, !WritePrivateFile(cache + "/2.kv", {"state"}));
    CHILD_EXPECT(child, ::unlink((cache + "/2.kv").c_str()) == 0);
    std::error_code failed;
    const fs::directory_iterator files(cache, failed);
    CHILD_EXPECT(child, !failed && std::distance(begin(files), end(files)) == 1);
    if (!child.Has(report.landlock)) return;
    CHILD_EXPECT(child, OpenError(machine.path("new"), O_WRONLY | O_CREAT) == EACCES);
    CHILD_EXPECT(child, ::rename((cache + "/1.kv").c_str(), machine.path("x").c_str()) != 0);
    CHILD_EXPECT(child, ::symlink("/etc/passwd", (cache + "/link").c_str()) != 0);
    CHILD_EXPECT(child, ::mkfifo((cache + "/pipe").c_str(), 0600) != 0);
  });
  EXPECT_EQ(fs::file_size(cache + "/1.kv"), 7u);
}

TEST(Sandbox, APathThatIsMissingIsNamed) {
  IN_CHILD([](const Child& child) {
    const auto report = EnterSandbox(Reading({"/absent/model.gguf"}));
    if (!child.Has(report.landlock)) return;
    const std::string text = "without /absent/model.gguf: No such file or directory";
    CHILD_EXPECT(child, report.landlock.detail.find(text) != std::string::npos);
  });
}

TEST(Sandbox, FilesThatAreOpenStayUsable) {
  const Machine machine;
  const int model = ::open(machine.model().c_str(), O_RDONLY | O_CLOEXEC);
  const int memory = ::memfd_create("shared", MFD_CLOEXEC);
  EXPECT_EQ(::ftruncate(memory, 4096), 0);
  IN_CHILD([&](const Child& child) {
    EnterSandbox({});
    char text[8] = {};
    CHILD_EXPECT(child, ::pread(model, text, 7, 0) == 7 && std::string(text) == "weights");
    void* shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    CHILD_EXPECT(child, shared != MAP_FAILED);
    *static_cast<char*>(shared) = 'x';
    CHILD_EXPECT(child, ::ftruncate(memory, 8192) != 0);  // its owner gives it its size
  });
  char first = 0;
  EXPECT_EQ(::pread(memory, &first, 1, 0), 1);
  EXPECT_EQ(first, 'x');
  ::close(memory);
  ::close(model);
}

TEST(Sandbox, ItSeesItselfAndItsLimitsAlone) {
  const auto budgets = MemoryBudgets("");
  const auto cpus = NumUsableCpus();
  IN_CHILD([&](const Child& child) {
    const auto report = EnterSandbox({});
    const auto found = MemoryBudgets("");
    CHILD_EXPECT(child, found.size() == budgets.size() && FreeMemoryBytes() > 0);
    CHILD_EXPECT(child, NumUsableCpus() == cpus);
    CHILD_EXPECT(child, std::thread::hardware_concurrency() > 0);
    CHILD_EXPECT(child, OpenError("/dev/urandom", O_RDONLY) == 0);
    CHILD_EXPECT(child, OpenError("/dev/null", O_RDWR) == 0);
    std::random_device()();
    for (const char* name : {"status", "maps", "cgroup", "task", "fd"}) {
      CHILD_EXPECT(child, OpenError(std::string("/proc/self/") + name, O_RDONLY) == 0);
    }
    if (!child.Has(report.landlock)) return;
    const std::string parent = "/proc/" + std::to_string(::getppid());
    for (const char* name : {"/cmdline", "/environ", "/mem", "/maps"}) {
      CHILD_EXPECT(child, OpenError(parent + name, O_RDONLY) == EACCES);
    }
    CHILD_EXPECT(child, OpenError("/proc/kcore", O_RDONLY) != 0);
    CHILD_EXPECT(child, OpenError("/proc", O_RDONLY | O_DIRECTORY) == EACCES);
  });
}
