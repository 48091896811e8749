// SPDX-License-Identifier: AGPL-3.0-only
#include "host/file_writer.h"

#include <utility>

namespace sentiric {

FileWriter::FileWriter(std::uint64_t max_bytes)
    : max_bytes_(max_bytes), thread_([this] { Loop(); }) {}

FileWriter::~FileWriter() {
  {
    const MutexLock lock(&mutex_);
    is_stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

bool FileWriter::HasRoom(std::uint64_t bytes) const {
  const MutexLock lock(&mutex_);
  return num_bytes_ == 0 || num_bytes_ + bytes <= max_bytes_;
}

void FileWriter::Post(std::int32_t id, std::uint64_t bytes, std::function<Status()> job) {
  const MutexLock lock(&mutex_);
  jobs_.push_back({id, bytes, std::move(job)});
  num_bytes_ += bytes;
  changed_.NotifyAll();
}

std::vector<FileWriter::Outcome> FileWriter::TakeOutcomes() {
  const MutexLock lock(&mutex_);
  return std::exchange(outcomes_, {});
}

void FileWriter::Flush() {
  const MutexLock lock(&mutex_);
  while (!jobs_.empty()) changed_.Wait(&mutex_);
}

void FileWriter::Loop() {
  const MutexLock lock(&mutex_);
  for (;;) {
    while (!is_stopping_ && jobs_.empty()) changed_.Wait(&mutex_);
    if (jobs_.empty()) return;
    const std::function<Status()> run = std::move(jobs_.front().run);
    mutex_.Unlock();
    Status status = run();
    mutex_.Lock();
    outcomes_.push_back({jobs_.front().id, std::move(status)});
    num_bytes_ -= jobs_.front().bytes;
    jobs_.pop_front();
    changed_.NotifyAll();
  }
}

}  // namespace sentiric
