// SPDX-License-Identifier: AGPL-3.0-only
#include "core/context_pool.h"

#include <algorithm>
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

ContextPool::ContextPool(std::int32_t total) : used_(static_cast<std::size_t>(total), false) {}

std::optional<ContextLease> ContextPool::MaybeLease() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto free = std::find(used_.begin(), used_.end(), false);
  if (free == used_.end()) return std::nullopt;
  *free = true;
  ++num_active_;
  return ContextLease(this, static_cast<SeqId>(free - used_.begin()));
}

void ContextPool::Release(SeqId seq) {
  const std::lock_guard<std::mutex> lock(mutex_);
  used_[static_cast<std::size_t>(seq)] = false;
  --num_active_;
}

Capacity ContextPool::capacity() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto total = static_cast<std::int32_t>(used_.size());
  return {num_active_, total, total - num_active_};
}

}  // namespace sentiric
