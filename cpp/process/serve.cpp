// SPDX-License-Identifier: AGPL-3.0-only
#include "process/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "backend/template/deep_stack.h"
#include "core/record/doing.h"
#include "host/crash_handler.h"
#include "host/heap.h"
#include "host/memory_budget.h"
#include "host/process_limits.h"
#include "host/shared_memory.h"
#include "process/confine.h"
#include "process/engine_server.h"
#include "sentiric/log.h"

namespace sentiric::process {
namespace {

// Exit codes of a failed start.
constexpr int kNoPage = 65, kNoThreads = 66, kNotConfined = 67;
constexpr int kCallThreads = 4;
constexpr std::size_t kCallStack = 1 << 20;

// What an open engine may still take: all that is free, less this for the process that serves, and
// never less than what prompts need.
constexpr std::uint64_t kLeftToOthers = std::uint64_t{256} << 20;
constexpr std::uint64_t kLeastGrowth = std::uint64_t{1} << 30;

// The parent may have ended before this process could ask to be told.
bool FollowParent(pid_t parent) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  return getppid() == parent;
}

// A terminal or a service manager signals the whole group; the parent decides when we end.
void IgnoreSignalsOfTheGroup() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_IGN);
}

// The plan of the memory has been compared with what is free before; what was forgotten there, or
// grows without end, then fails here before the kernel has to choose a process.
void LimitMemory() {
  const std::uint64_t free = FreeMemoryBytes();
  if (free == 0) return;  // unknown
  LimitGrowth(std::max(kLeastGrowth, free - std::min(free, kLeftToOthers)));
}

// The commands, until there are no more. Threads are started from here on.
int Obey(FrameReader* reader, FrameWriter* writer, record::FlightPage* page, bool uses_devices,
         const See& see) {
  auto calls = backend::DeepStackPool::Create(kCallThreads, kCallStack);
  if (!calls) return kNoThreads;
  auto server = std::make_unique<EngineServer>(
      [uses_devices](const EngineConfig& config, const std::function<bool(float)>& progress) {
        auto opened = Engine::Open(config, progress);
        TrimHeap();  // reading a vocabulary leaves holes
        if (opened && !uses_devices) LimitMemory();
        return opened;
      },
      page, writer, std::move(calls).value());
  while (const auto frame = reader->Next()) {
    if (see) see(*frame);
    if (server->Handle(*frame)) continue;
    server.reset();  // closes the engine in order
    return EXIT_SUCCESS;
  }
  _exit(EXIT_SUCCESS);  // nobody is left to serve: nothing is worth waiting for
}

}  // namespace

int Serve(const Arguments& arguments, const See& see) {
  if (!FollowParent(arguments.parent)) return EXIT_SUCCESS;
  IgnoreSignalsOfTheGroup();
  const SharedMemory memory(arguments.page, sizeof(record::FlightPage), /*is_writable=*/true);
  if (memory.data() == nullptr) return kNoPage;
  record::FlightPage* page = record::MakeFlightPage(memory.data());
  record::RecordInto(page);
  InstallCrashHandler(page);
  fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK);
  CopyLogLinesTo(STDERR_FILENO);
  FrameWriter writer(arguments.socket);
  FrameReader reader(arguments.socket);
  const auto first = reader.Next();
  if (!first) return EXIT_SUCCESS;
  const auto rules = Confine(*first, &writer);
  if (!rules) return kNotConfined;
  return Obey(&reader, &writer, page, rules->uses_devices, see);
}

}  // namespace sentiric::process
