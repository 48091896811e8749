// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/row_pool.h"

#include <algorithm>

namespace sentiric::sampling {

RowPool::~RowPool() {
  {
    const MutexLock lock(&mutex_);
    is_stopping_ = true;
    has_jobs_.NotifyAll();
  }
  for (std::thread& helper : helpers_) helper.join();
}

void RowPool::Run(std::size_t count, std::size_t logits_per_job,
                  const std::function<void(std::size_t)>& job) {
  const std::size_t shares = std::min(count, count * logits_per_job / kLogitsPerThread);
  const std::size_t wanted =
      std::min(static_cast<std::size_t>(max_helpers_), shares > 0 ? shares - 1 : 0);
  if (wanted == 0) {
    for (std::size_t i = 0; i < count; ++i) job(i);
    return;
  }
  while (helpers_.size() < wanted) helpers_.emplace_back([this] { Help(); });
  const MutexLock lock(&mutex_);
  job_ = &job;
  count_ = count;
  next_ = num_done_ = 0;
  for (std::size_t i = 0; i < wanted; ++i) has_jobs_.NotifyOne();
  Work();
  // Waits for running jobs only: a helper that wakes up late finds none.
  while (num_done_ != count_) is_done_.Wait(&mutex_);
}

void RowPool::Help() {
  const MutexLock lock(&mutex_);
  for (;;) {
    while (!is_stopping_ && next_ >= count_) has_jobs_.Wait(&mutex_);
    if (is_stopping_) return;
    Work();
  }
}

// A job takes tens of microseconds, so locking for each one is cheap.
void RowPool::Work() {
  while (next_ < count_) {
    const std::size_t mine = next_++;
    const auto& job = *job_;
    mutex_.Unlock();
    job(mine);
    mutex_.Lock();
    if (++num_done_ == count_) is_done_.NotifyOne();
  }
}

}  // namespace sentiric::sampling
