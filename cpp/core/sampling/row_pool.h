// SPDX-License-Identifier: AGPL-3.0-only
// A few threads that help to sample the rows of a step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "core/sync/mutex.h"

namespace sentiric::sampling {

// Fork and join: the calling thread works, too, and Run() returns when all jobs are done, so
// helpers never compete with the compute threads. Threads start with the first step that needs
// them. One caller at a time.
class RowPool {
 public:
  // Logits for which waking a helper pays.
  static constexpr std::size_t kLogitsPerThread = 1 << 18;

  explicit RowPool(std::int32_t max_helpers) : max_helpers_(max_helpers) {}
  ~RowPool();
  RowPool(const RowPool&) = delete;
  RowPool& operator=(const RowPool&) = delete;

  // Whether jobs of this size gain from more than one thread.
  static bool IsWorthSharing(std::size_t count, std::size_t logits_per_job) {
    return count > 1 && count * logits_per_job >= 2 * kLogitsPerThread;
  }

  // Runs job(0) .. job(count - 1), each once, in any order and on any of the threads. Jobs must not
  // throw. `logits_per_job` decides how many threads take part.
  void Run(std::size_t count, std::size_t logits_per_job,
           const std::function<void(std::size_t)>& job);

  // Threads started so far.
  std::size_t num_helpers() const { return helpers_.size(); }

 private:
  void Help();
  void Work() REQUIRES(mutex_);

  const std::int32_t max_helpers_;
  std::vector<std::thread> helpers_;  // touched by the caller only

  Mutex mutex_;
  CondVar has_jobs_;
  CondVar is_done_;
  const std::function<void(std::size_t)>* job_ GUARDED_BY(mutex_) = nullptr;
  std::size_t count_ GUARDED_BY(mutex_) = 0;
  std::size_t next_ GUARDED_BY(mutex_) = 0;  // job to take
  std::size_t num_done_ GUARDED_BY(mutex_) = 0;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace sentiric::sampling
