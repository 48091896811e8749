// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/worker.h"

#include <utility>

namespace sentiric {
namespace {

// How late an expired request may be noticed while nothing is computed.
constexpr std::chrono::milliseconds kExpiryCheck{20};

}  // namespace

Worker::Worker(LoopParts parts, const LoopConfig& config, Outbox* outbox)
    : loop_(std::move(parts), config, outbox), thread_([this] { Loop(); }) {}

Worker::~Worker() { Stop(); }

void Worker::Add(RequestHandle request) {
  const MutexLock lock(&inbox_mutex_);
  inbox_.input.added.push_back(std::move(request));
  inbox_changed_.NotifyOne();
}

void Worker::Reject(RequestHandle request, Error error) {
  const MutexLock lock(&inbox_mutex_);
  inbox_.input.rejected.emplace_back(std::move(request), std::move(error));
  inbox_changed_.NotifyOne();
}

void Worker::OnLoaded(RequestHandle request, Result<AdapterSetHandle> adapters) {
  const MutexLock lock(&inbox_mutex_);
  inbox_.input.loaded.emplace_back(std::move(request), std::move(adapters));
  inbox_changed_.NotifyOne();
}

bool Worker::MaybePost(std::function<void()> job) {
  const MutexLock lock(&inbox_mutex_);
  if (inbox_.is_stopping) return false;
  inbox_.jobs.push_back(std::move(job));
  inbox_changed_.NotifyOne();
  return true;
}

void Worker::Wake() {
  const MutexLock lock(&inbox_mutex_);
  inbox_.is_woken = true;
  inbox_changed_.NotifyOne();
}

void Worker::Stop() {
  {
    const MutexLock lock(&inbox_mutex_);
    inbox_.is_stopping = true;
    inbox_changed_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
}

void Worker::Loop() {
  for (;;) {
    Inbox inbox = WaitForWork();
    loop_.Step(std::move(inbox.input), !inbox.is_stopping);
    for (auto& job : inbox.jobs) job();
    if (inbox.is_stopping) return loop_.Shutdown();
  }
}

Worker::Inbox Worker::WaitForWork() {
  const MutexLock lock(&inbox_mutex_);
  if (loop_.is_idle()) {
    while (inbox_.empty()) inbox_changed_.Wait(&inbox_mutex_);
  } else if (loop_.only_waits()) {
    const Clock::time_point deadline = Clock::now() + kExpiryCheck;
    while (inbox_.empty() && inbox_changed_.WaitUntil(&inbox_mutex_, deadline)) {
    }
  }
  const bool is_stopping = inbox_.is_stopping;
  Inbox taken = std::exchange(inbox_, Inbox{});
  inbox_.is_stopping = is_stopping;  // stays set: whatever arrives later must not wait for ever
  return taken;
}

}  // namespace sentiric
