// SPDX-License-Identifier: AGPL-3.0-only
#include "host/landlock.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#ifdef __linux__
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#endif

namespace sentiric {
namespace {

constexpr char kName[] = "landlock";

#ifdef __linux__

// The kernel's interface, which never changes. Headers of the build may be too old to have it.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kVersion = 1;           // flag of kCreateRuleset
constexpr int kPathBeneath = 1;            // kind of rule
constexpr unsigned kAllThreads = 1U << 3;  // flag of kRestrictSelf, ABI 8

struct Ruleset {
  std::uint64_t handled_files;
  std::uint64_t handled_network;  // ABI 4
  std::uint64_t scoped;           // ABI 6
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

enum Access : std::uint64_t {
  kWriteFile = 1 << 1,
  kReadFile = 1 << 2,
  kReadFolder = 1 << 3,
  kRemoveFile = 1 << 5,
  kMakeFile = 1 << 8,
  kTruncate = 1 << 14,
  kControlDevice = 1 << 15,
};
constexpr std::uint64_t kRead = kReadFile | kReadFolder;
constexpr std::uint64_t kChange = kRead | kWriteFile | kTruncate | kMakeFile | kRemoveFile;
constexpr std::uint64_t kUse = kRead | kWriteFile | kControlDevice;
// What a rule for a file that is no folder may hold.
constexpr std::uint64_t kOfFiles = kWriteFile | kReadFile | kTruncate | kControlDevice;

// What the C library, OpenMP, llama.cpp and our own budgets read after the start. Not all of /proc:
// root could read the memory of the machine in /proc/kcore, and any user the command lines of
// others.
constexpr const char* kOwnView[] = {
    "/proc/self",     "/proc/meminfo",
    "/proc/cpuinfo",  "/proc/stat",
    "/sys/fs/cgroup", "/sys/devices/system",
    "/dev/urandom",   "/dev/random",
    "/proc/sys/vm",   "/proc/sys/kernel/numa_balancing",
    "/sys/kernel/mm",
};

// What a GPU driver opens when it starts: libraries, for the most part. Best effort: a driver that
// lacks an entry fails at the start of the engine. Left out on purpose are /dev/shm, where other
// processes share memory, and ~/.nv, where CUDA keeps what it compiled: it compiles again.
constexpr const char* kOfDrivers[] = {
    "/usr",        "/lib",        "/lib64",       "/opt",          "/etc/ld.so.cache",
    "/etc/OpenCL", "/etc/vulkan", "/proc/driver", "/proc/devices", "/proc/modules",
    "/sys/bus",    "/sys/class",  "/sys/devices", "/sys/module",   "/sys/dev",
};

int Create(const Ruleset* ruleset, std::size_t size, unsigned flags) {
  return static_cast<int>(::syscall(kCreateRuleset, ruleset, size, flags));
}

// Every right that this version of the kernel knows is taken away and given back by rules alone. A
// right of a later version would be refused as unknown.
Ruleset HandledBy(int abi) {
  int rights = 13;
  if (abi >= 2) rights = 14;  // to move files between folders
  if (abi >= 3) rights = 15;  // to truncate
  if (abi >= 5) rights = 16;  // to control devices
  if (abi >= 9) rights = 17;  // to reach the sockets of others by path
  Ruleset handled{};
  handled.handled_files = (std::uint64_t{1} << rights) - 1;
  if (abi >= 4) handled.handled_network = 0b11;  // TCP: bind, connect
  if (abi >= 6) handled.scoped = 0b11;           // abstract sockets, signals
  return handled;
}

class Rules {
 public:
  explicit Rules(const Ruleset& handled)
      : handled_(handled.handled_files), fd_(Create(&handled, sizeof handled, 0)) {}
  ~Rules() {
    if (fd_ >= 0) ::close(fd_);
  }
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  bool is_open() const { return fd_ >= 0; }

  // 0, or the errno.
  int Allow(const std::string& path, std::uint64_t access) const {
    const int parent = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (parent < 0) return errno;
    const int error = AllowBeneath(parent, access);
    ::close(parent);
    return error;
  }
  // Like Allow, for files that the kernel makes up. They get a new identity, to which the rule does
  // not apply, when they are forgotten and looked up again; an open descriptor keeps them known.
  void AllowForever(const char* path, std::uint64_t access) const {
    const int parent = ::open(path, O_PATH | O_CLOEXEC);
    if (parent >= 0) AllowBeneath(parent, access);
  }
  bool Enforce(unsigned flags) const { return ::syscall(kRestrictSelf, fd_, flags) == 0; }

 private:
  int AllowBeneath(int parent, std::uint64_t access) const {
    struct stat found;
    if (::fstat(parent, &found) != 0) return errno;
    if (!S_ISDIR(found.st_mode)) access &= kOfFiles;
    const PathBeneath rule{access & handled_, parent};
    return ::syscall(kAddRule, fd_, kPathBeneath, &rule, 0) == 0 ? 0 : errno;
  }

  const std::uint64_t handled_;
  const int fd_;
};

void AllowDevices(const Rules& rules) {
  for (const char* path : kOfDrivers) rules.AllowForever(path, kRead);
  for (const char* path : {"/dev/dri", "/dev/kfd"}) rules.Allow(path, kUse);
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/dev", none)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("nvidia", 0) == 0) rules.Allow(entry.path().string(), kUse);
  }
}

// Without a path that is missing the process may do less, not more.
void AllowPaths(const std::vector<std::string>& paths, std::uint64_t access, const Rules& rules,
                std::string* detail) {
  for (const std::string& path : paths) {
    const int error = rules.Allow(path, access);
    if (error != 0) *detail += "; without " + path + ": " + std::strerror(error);
  }
}

#endif

}  // namespace

#ifdef __linux__

int LandlockAbi() { return std::max(0, Create(nullptr, 0, kVersion)); }

Protection ProbeLandlock() {
  const int abi = Create(nullptr, 0, kVersion);
  if (abi < 1) return Refused(kName, errno);
  return {kName, Hold::kOn, "ABI " + std::to_string(abi)};
}

Protection RestrictFiles(const FileRules& files) {
  Protection found = ProbeLandlock();
  if (!found.holds()) return found;
  const int abi = LandlockAbi();
  const Rules rules(HandledBy(abi));
  if (!rules.is_open()) return Refused(kName, errno);
  for (const char* path : kOwnView) rules.AllowForever(path, kRead);
  rules.AllowForever("/dev/null", kRead | kWriteFile);
  if (files.uses_devices) AllowDevices(rules);
  AllowPaths(files.readable, kRead, rules, &found.detail);
  AllowPaths(files.writable, kChange, rules, &found.detail);
  const bool holds_all = abi >= 8 || !RunsOtherThreads();
  if (!rules.Enforce(abi >= 8 ? kAllThreads : 0)) return Refused(kName, errno);
  if (!holds_all) {
    found.hold = Hold::kPartly;
    found.detail += "; not for threads that ran before";
  }
  return found;
}

#else

int LandlockAbi() { return 0; }
Protection ProbeLandlock() { return Refused(kName, ENOSYS); }
Protection RestrictFiles(const FileRules&) { return Refused(kName, ENOSYS); }

#endif

}  // namespace sentiric
