// SPDX-License-Identifier: AGPL-3.0-only
#include "host/file_writer.h"

#include <utility>

namespace sentiric {

FileWriter::FileWriter(std::uint64_t max_bytes)
    : max_bytes_(max_bytes), thread_([this] { Loop(); }) {}

FileWriter::~FileWriter() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

bool FileWriter::HasRoom(std::uint64_t bytes) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return num_bytes_ == 0 || num_bytes_ + bytes <= max_bytes_;
}

void FileWriter::Post(std::int32_t id, std::uint64_t bytes, std::function<Status()> job) {
  const std::lock_guard<std::mutex> lock(mutex_);
  jobs_.push_back({id, bytes, std::move(job)});
  num_bytes_ += bytes;
  changed_.notify_all();
}

std::vector<FileWriter::Outcome> FileWriter::TakeOutcomes() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(outcomes_, {});
}

void FileWriter::Flush() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty(); });
}

void FileWriter::Loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const std::function<Status()> run = std::move(jobs_.front().run);
    lock.unlock();
    Status status = run();
    lock.lock();
    outcomes_.push_back({jobs_.front().id, std::move(status)});
    num_bytes_ -= jobs_.front().bytes;
    jobs_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace sentiric
