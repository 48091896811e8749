// SPDX-License-Identifier: AGPL-3.0-only
// One thread that changes files, so that nobody who has streams to serve waits for a disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "sentiric/error.h"

namespace sentiric {

class FileWriter {
 public:
  struct Outcome {
    std::int32_t id;
    Status status;
  };

  // max_bytes: of jobs that wait; one job may be larger by itself.
  explicit FileWriter(std::uint64_t max_bytes);
  ~FileWriter();  // when all that was posted is done

  // Any thread. Jobs are done in order; `bytes` is what one keeps in memory until then.
  bool HasRoom(std::uint64_t bytes) const;
  void Post(std::int32_t id, std::uint64_t bytes, std::function<Status()> job);
  std::vector<Outcome> TakeOutcomes();
  void Flush();  // waits until nothing is left to do

 private:
  struct Job {
    std::int32_t id;
    std::uint64_t bytes;
    std::function<Status()> run;
  };

  void Loop();

  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Job> jobs_;  // the first one is being done
  std::uint64_t num_bytes_ = 0;
  std::vector<Outcome> outcomes_;
  bool is_stopping_ = false;

  std::thread thread_;  // last: starts when everything above is there
};

}  // namespace sentiric
