// SPDX-License-Identifier: AGPL-3.0-only
// Threads that compute one product together, without ggml.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "backend/kernels/team.h"

namespace sentiric::testing {

struct Meeting {
  explicit Meeting(int all) : size(all) {}
  const int size;
  std::atomic<int> chunk{0};
  std::mutex mutex;
  std::condition_variable all_here;
  int here = 0;
};

class ThreadTeam : public backend::Team {
 public:
  ThreadTeam(Meeting* meeting, int index) : meeting_(meeting), index_(index) {}
  int index() const override { return index_; }
  int size() const override { return meeting_->size; }
  void StartChunks(int first) override { meeting_->chunk = first; }
  int NextChunk() override { return meeting_->chunk++; }
  void Wait() override {  // once for each product
    std::unique_lock lock(meeting_->mutex);
    if (++meeting_->here == meeting_->size) meeting_->all_here.notify_all();
    meeting_->all_here.wait(lock, [&] { return meeting_->here == meeting_->size; });
  }

 private:
  Meeting* meeting_;
  int index_;
};

template <class Work>  // work(Team*), on `threads` threads
void OnThreads(int threads, const Work& work) {
  Meeting meeting(threads);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      ThreadTeam team(&meeting, i);
      work(&team);
    });
  }
  for (std::thread& thread : running) thread.join();
}

}  // namespace sentiric::testing
