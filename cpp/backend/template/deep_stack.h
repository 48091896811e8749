// SPDX-License-Identifier: AGPL-3.0-only
// Threads with large stacks. llama.cpp's tokenizers, its Jinja engine and its schema converter
// recurse once per character or nesting level; with a default stack of 8 MB (1 MB in some hosts) a
// hostile prompt would end the process. Everything that parses user text runs here.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/seams/task_pool.h"
#include "core/sync/mutex.h"
#include "sentiric/error.h"

namespace sentiric::backend {

// Address space, not memory: the kernel backs only the pages a job touches.
inline constexpr std::size_t kDeepStackBytes = std::size_t{256} << 20;

// A fixed set of threads. The smallest job goes first, jobs of the same size in order, so that
// large jobs of one caller do not hold up small ones of others. The oldest job goes next once the
// jobs that overtook it add up to its own size.
class DeepStackPool final : public TaskPool {
 public:
  // num_threads >= 1. kOutOfMemory when a thread cannot be created. nice: added to the nice value
  // of the threads, on systems where it is a property of threads.
  static Result<std::unique_ptr<DeepStackPool>> Create(int num_threads,
                                                       std::size_t stack_bytes = kDeepStackBytes,
                                                       int nice = 0);
  // Runs all posted jobs, then joins. Must not be called from a job.
  ~DeepStackPool() override;
  DeepStackPool(const DeepStackPool&) = delete;
  DeepStackPool& operator=(const DeepStackPool&) = delete;

  // Any thread; never waits. An exception that leaves the job is dropped: a job that has to report
  // it must catch it itself.
  void Post(std::function<void()> job, std::size_t size) override;
  void Post(std::function<void()> job) { Post(std::move(job), 0); }

  // Runs `job` on a pool thread and waits for it; runs it in place when called on a pool thread. An
  // exception becomes kOutOfMemory (bad_alloc) or kInternal.
  Status Run(const std::function<void()>& job);

  int num_threads() const { return static_cast<int>(threads_.size()); }

 private:
  struct Job {
    std::function<void()> run;
    std::size_t size;
  };

  DeepStackPool() = default;
  static void* ThreadMain(void* self);
  void Work();
  std::function<void()> TakeNext() REQUIRES(mutex_);  // there must be one

  // Constant after Create().
  int nice_ = 0;
  std::vector<pthread_t> threads_;

  Mutex mutex_;
  CondVar wake_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);  // the oldest first
  // Total size of the jobs that overtook the oldest.
  std::size_t overtaken_ GUARDED_BY(mutex_) = 0;
  bool closing_ GUARDED_BY(mutex_) = false;
};

}  // namespace sentiric::backend
