// SPDX-License-Identifier: AGPL-3.0-only
// A thread that changes files, so that the worker does not wait for the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "core/sync/mutex.h"
#include "sentiric/error.h"

namespace sentiric {

class FileWriter {
 public:
  struct Outcome {
    std::int32_t id;
    Status status;
  };

  // max_bytes: bound of the waiting jobs; a single job may be larger.
  explicit FileWriter(std::uint64_t max_bytes);
  ~FileWriter();  // waits until all posted jobs are done

  // Any thread. Jobs run in order; `bytes` is the memory that a job holds until then.
  bool HasRoom(std::uint64_t bytes) const;
  void Post(std::int32_t id, std::uint64_t bytes, std::function<Status()> job);
  std::vector<Outcome> TakeOutcomes();
  void Flush();  // waits until all posted jobs are done

 private:
  struct Job {
    std::int32_t id;
    std::uint64_t bytes;
    std::function<Status()> run;
  };

  void Loop();

  const std::uint64_t max_bytes_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);  // the first one is running
  std::uint64_t num_bytes_ GUARDED_BY(mutex_) = 0;
  std::vector<Outcome> outcomes_ GUARDED_BY(mutex_);
  bool is_stopping_ GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: starts when everything above is there
};

}  // namespace sentiric
