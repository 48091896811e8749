// SPDX-License-Identifier: AGPL-3.0-only
// Carries out the commands of the process that started this one, and sends what the engine has for
// it: one message per step. python/sentiric_llama/engine/messages.py describes the messages.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "core/record/flight_page.h"
#include "core/seams/task_pool.h"
#include "core/sync/mutex.h"
#include "process/frames.h"
#include "process/json_types.h"
#include "sentiric/engine.h"

namespace sentiric::process {

using OpenEngine = std::function<Result<std::unique_ptr<Engine>>(
    const EngineConfig&, const std::function<bool(float)>&)>;

class EngineServer {
 public:
  // `page` and `out` outlive the server. `calls` runs what may block.
  EngineServer(OpenEngine open, record::FlightPage* page, FrameWriter* out,
               std::unique_ptr<TaskPool> calls);
  // Closes the engine: its requests end, and what is cached is written to the disk.
  ~EngineServer();

  // Carries out one command. One thread makes all calls. False after `close`.
  bool Handle(std::string_view bytes);

 private:
  using Job = std::function<Json()>;  // -> the fields of the answer; throws ErrorException

  bool Handle(const Json& command);
  void Submit(const Json& command);
  void Open(std::uint64_t call, const EngineConfig& config);
  Json OpenNow(const EngineConfig& config);
  void Ask(const Json& command);
  void Answer(const Json& command);
  Json Found(const Json& command);
  void Send(FrameKind kind, const Json& message);
  void SendFailure(std::uint64_t stream, const Error& error);
  void Pump();
  void SendStep(const std::vector<Event>& events);
  void PublishStats();

  // Constant after construction.
  const OpenEngine open_;
  record::FlightPage* const page_;
  FrameWriter* const out_;

  Mutex mutex_;
  // Of requests that have not ended.
  std::unordered_map<RequestId, std::uint64_t> stream_of_ GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, RequestId> request_of_ GUARDED_BY(mutex_);
  // Calls without an answer -> whether nobody waits for it any more.
  std::unordered_map<std::uint64_t, bool> is_left_ GUARDED_BY(mutex_);
  Mutex stats_mutex_;  // the page has one writer at a time

  std::unique_ptr<Engine> owned_;         // the opener's thread sets both, once
  std::atomic<Engine*> engine_{nullptr};  // null until the model is open
  std::thread opener_, pump_;
  std::unique_ptr<TaskPool> calls_;  // last: its jobs use everything above
};

}  // namespace sentiric::process
