// SPDX-License-Identifier: AGPL-3.0-only
// The worker thread: it owns the loop, and with it the decoder, and runs steps while there is work.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/sync/mutex.h"
#include "engine/engine_loop.h"

namespace sentiric {

class Worker {
 public:
  // The decoder is used and destroyed only on the worker's thread. `outbox` outlives the worker.
  Worker(LoopParts parts, const LoopConfig& config, Outbox* outbox);
  ~Worker();  // calls Stop()

  // Any thread.
  void Add(RequestHandle request);                  // prepared; waits for a context
  void Reject(RequestHandle request, Error error);  // could not be prepared
  // The result of AdapterSource::load.
  void OnLoaded(RequestHandle request, Result<AdapterSetHandle> adapters);
  // Runs the job between two steps. False when the worker is stopping and will not run it.
  bool MaybePost(std::function<void()> job);
  // Tokens of a prompt that the prefix cache would give now. For posted jobs only.
  std::int32_t NumCached(const std::string& scope, const std::vector<Token>& tokens) const {
    return loop_.NumCached(scope, tokens);
  }
  void Wake();  // after a cancel flag was set or credit was granted
  Capacity capacity() const { return loop_.capacity(); }
  EngineStats stats() const { return loop_.stats(); }
  Pace pace() const { return loop_.pace(); }
  std::vector<Queued> line() const { return loop_.line(); }
  // Ends all requests with kCancelled, runs posted jobs and joins. Idempotent.
  void Stop();

 private:
  struct Inbox {
    EngineLoop::Input input;
    std::vector<std::function<void()>> jobs;
    bool is_woken = false;
    bool is_stopping = false;
    bool empty() const {
      return input.added.empty() && input.rejected.empty() && input.loaded.empty() &&
             jobs.empty() && !is_woken && !is_stopping;
    }
  };

  void Loop();
  Inbox WaitForWork();

  Mutex inbox_mutex_;
  CondVar inbox_changed_;
  Inbox inbox_ GUARDED_BY(inbox_mutex_);

  EngineLoop loop_;  // used by the worker thread, except what any thread may ask

  std::thread thread_;  // last: starts when everything above is there
};

}  // namespace sentiric
