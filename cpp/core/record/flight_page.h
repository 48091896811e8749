// SPDX-License-Identifier: AGPL-3.0-only
// What an engine process is doing and has counted, in memory that outlives it. The process that
// started it maps the same page: it reads the statistics without asking, sees whether the engine
// moves, and learns from what is left after a crash which requests were being worked on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sentiric/engine.h"

namespace sentiric::record {

// What a thread is doing. Python's flight_page.py lists the same names in this order.
enum class Place : std::uint32_t {
  kIdle,
  kLoad,       // the model
  kAdapter,    // a LoRA file
  kTemplate,   // a chat template
  kTokenizer,  // a text
  kGrammar,    // a grammar or schema
  kStep,       // planning, and everything of a step that has no place of its own
  kDecode,     // a call of the backend for a batch
  kSampling,   // one row
  kEvaluate,   // logits or embeddings
};

inline constexpr std::size_t kMaxThreads = 48;
inline constexpr std::size_t kMaxBatch = 256;  // contexts
inline constexpr std::size_t kMaxStats = 64;

// One thread. Only that thread writes; every field is read at any time.
struct ThreadRecord {
  std::atomic<std::uint32_t> place{0};  // a Place
  std::atomic<std::uint32_t> in_use{0};
  std::atomic<std::uint64_t> tag{0};       // Request::tag; 0 = none
  std::atomic<std::uint64_t> since_ns{0};  // Clock, when it entered the place
};

// What a fatal signal left behind.
struct CrashRecord {
  std::atomic<std::int32_t> signal{0};  // 0 = none
  std::atomic<std::int32_t> code{0};    // siginfo's si_code
  std::atomic<std::int32_t> sender{0};  // the process that sent it, for signals that were sent
  std::atomic<std::int32_t> thread{0};  // index of its record; -1 for a thread without one
};

// Shared memory: fixed layout, lock-free atomics only.
struct FlightPage {
  static constexpr std::uint32_t kMagic = 0x46504731;  // "FPG1"

  std::atomic<std::uint32_t> magic{0};
  // The thread that runs the steps; -1 before the first one.
  std::atomic<std::int32_t> stepper{-1};
  std::atomic<std::uint64_t> beats{0};     // grows while a step computes
  std::atomic<std::uint64_t> num_tags{0};  // of the batch that is decoded
  std::atomic<std::uint64_t> tags[kMaxBatch] = {};
  CrashRecord crash;
  ThreadRecord threads[kMaxThreads];
  // Odd while the fields below are written.
  std::atomic<std::uint64_t> stats_version{0};
  std::atomic<std::uint64_t> capacity[3] = {};
  std::atomic<std::uint64_t> stats[kMaxStats] = {};
  // Tags of the requests that wait for a context, the next one first.
  std::atomic<std::uint64_t> num_line{0};
  std::atomic<std::uint64_t> line[kLongestLine] = {};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

// Makes a page of zeroed memory of at least sizeof(FlightPage).
FlightPage* MakeFlightPage(void* memory);
// The page in memory that another process made; null when it is none.
const FlightPage* FindFlightPage(const void* memory, std::size_t size);

// For one writer at a time.
void WriteStats(const EngineStats& stats, const Capacity& capacity, FlightPage* page);
// A reader may see a part of one line and a part of the next.
void WriteLine(const std::vector<Queued>& line, FlightPage* page);
std::vector<std::uint64_t> ReadLine(const FlightPage& page);
struct StatsAndCapacity {
  EngineStats stats;
  Capacity capacity;
};
// Consistent: all values are of one WriteStats(), or 0 before the first.
StatsAndCapacity ReadStats(const FlightPage& page);

}  // namespace sentiric::record
