// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/context_pool.h"

#include <utility>

namespace sentiric {

ContextLease::ContextLease(ContextLease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), seq_(other.seq_) {}

ContextLease& ContextLease::operator=(ContextLease&& other) noexcept {
  if (this != &other) {
    Release();
    pool_ = std::exchange(other.pool_, nullptr);
    seq_ = other.seq_;
  }
  return *this;
}

ContextLease::~ContextLease() { Release(); }

void ContextLease::Release() {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->Release(seq_);
}

ContextPool::ContextPool(std::int32_t sequences, std::int32_t contexts)
    : contexts_(contexts), used_(static_cast<std::size_t>(sequences), false) {}

std::optional<ContextLease> ContextPool::MaybeLease(SeqId seq) {
  const MutexLock lock(&mutex_);
  const auto at = static_cast<std::size_t>(seq);
  if (num_active_ == contexts_ || used_[at]) return std::nullopt;
  used_[at] = true;
  ++num_active_;
  return ContextLease(this, seq);
}

bool ContextPool::is_free(SeqId seq) const {
  const MutexLock lock(&mutex_);
  return !used_[static_cast<std::size_t>(seq)];
}

void ContextPool::Release(SeqId seq) {
  const MutexLock lock(&mutex_);
  used_[static_cast<std::size_t>(seq)] = false;
  --num_active_;
}

Capacity ContextPool::capacity() const {
  const MutexLock lock(&mutex_);
  return {num_active_, contexts_, contexts_ - num_active_};
}

}  // namespace sentiric
