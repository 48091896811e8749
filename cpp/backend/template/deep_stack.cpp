// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/deep_stack.h"

#ifdef __linux__
#include <sys/resource.h>
#endif

#include <algorithm>
#include <string>
#include <utility>

#include "core/seams/guarded.h"
#include "host/crash_handler.h"

namespace sentiric::backend {
namespace {

// The pool whose job runs on this thread; a Run() from inside it would wait for itself.
thread_local const DeepStackPool* current_pool = nullptr;

// The result of a job that a caller waits for.
class Outcome {
 public:
  void Set(Status status) {
    // Notified under the lock: this object is on the waiter's stack and gone as soon as it wakes.
    const MutexLock lock(&mutex_);
    status_ = std::move(status);
    is_set_ = true;
    changed_.NotifyOne();
  }
  Status Wait() {
    const MutexLock lock(&mutex_);
    while (!is_set_) changed_.Wait(&mutex_);
    return std::move(status_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  Status status_ GUARDED_BY(mutex_);
  bool is_set_ GUARDED_BY(mutex_) = false;
};

// A thread attribute that is destroyed on every path.
class ThreadAttributes {
 public:
  explicit ThreadAttributes(std::size_t stack_bytes) {
    ok_ = pthread_attr_init(&attributes_) == 0;
    usable_ = ok_ && pthread_attr_setstacksize(&attributes_, stack_bytes) == 0;
  }
  ~ThreadAttributes() {
    if (ok_) pthread_attr_destroy(&attributes_);
  }
  ThreadAttributes(const ThreadAttributes&) = delete;
  ThreadAttributes& operator=(const ThreadAttributes&) = delete;
  bool usable() const { return usable_; }
  const pthread_attr_t* get() const { return &attributes_; }

 private:
  pthread_attr_t attributes_;
  bool ok_ = false;
  bool usable_ = false;
};

}  // namespace

Result<std::unique_ptr<DeepStackPool>> DeepStackPool::Create(int num_threads,
                                                             std::size_t stack_bytes, int nice) {
  if (num_threads < 1) return OutOfRange("compute_threads", std::to_string(num_threads), ">= 1");
  std::unique_ptr<DeepStackPool> pool(new DeepStackPool());
  pool->nice_ = nice;
  pool->threads_.reserve(static_cast<std::size_t>(num_threads));
  const ThreadAttributes attributes(stack_bytes);
  for (int i = 0; i < num_threads; ++i) {
    pthread_t thread;
    if (!attributes.usable() ||
        pthread_create(&thread, attributes.get(), &ThreadMain, pool.get()) != 0) {
      return Error{
          ErrorCode::kOutOfMemory, "prepare",
          "cannot create a thread with a stack of " + std::to_string(stack_bytes) + " bytes"};
    }
    pool->threads_.push_back(thread);
  }
  return pool;
}

DeepStackPool::~DeepStackPool() {
  {
    const MutexLock lock(&mutex_);
    closing_ = true;
  }
  wake_.NotifyAll();
  for (const pthread_t thread : threads_) pthread_join(thread, nullptr);
}

void DeepStackPool::Post(std::function<void()> job, std::size_t size) {
  {
    const MutexLock lock(&mutex_);
    jobs_.push_back({std::move(job), size});
  }
  wake_.NotifyOne();
}

Status DeepStackPool::Run(const std::function<void()>& job) {
  if (current_pool == this) return Guarded("prepare", job);
  Outcome outcome;
  Post([&] { outcome.Set(Guarded("prepare", job)); });
  return outcome.Wait();
}

std::function<void()> DeepStackPool::TakeNext() {
  const auto smaller = [](const Job& a, const Job& b) { return a.size < b.size; };
  auto next = std::min_element(jobs_.begin(), jobs_.end(), smaller);
  overtaken_ += next->size;
  if (overtaken_ > jobs_.front().size) next = jobs_.begin();
  if (next == jobs_.begin()) overtaken_ = 0;
  std::function<void()> job = std::move(next->run);
  jobs_.erase(next);
  return job;
}

void* DeepStackPool::ThreadMain(void* self) {
  static_cast<DeepStackPool*>(self)->Work();
  return nullptr;
}

void DeepStackPool::Work() {
  current_pool = this;
  UseAlternateStack();
#ifdef __linux__
  // For this thread alone. If it fails, the thread works at the normal priority.
  if (nice_ != 0) (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + nice_);
#endif
  while (true) {
    std::function<void()> job;
    {
      const MutexLock lock(&mutex_);
      while (!closing_ && jobs_.empty()) wake_.Wait(&mutex_);
      if (jobs_.empty()) return;
      job = TakeNext();
    }
    (void)Guarded("prepare", job);
  }
}

}  // namespace sentiric::backend
