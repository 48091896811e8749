// SPDX-License-Identifier: AGPL-3.0-only
// The sequences of a decoder and which of them are leased.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/sync/mutex.h"
#include "sentiric/engine.h"

namespace sentiric {

class ContextPool;

// The right to use one sequence, released on destruction. Movable, not copyable. Must not outlive
// its pool.
class ContextLease {
 public:
  ContextLease(ContextLease&& other) noexcept;
  ContextLease& operator=(ContextLease&& other) noexcept;
  ContextLease(const ContextLease&) = delete;
  ContextLease& operator=(const ContextLease&) = delete;
  ~ContextLease();

  SeqId seq() const { return seq_; }

 private:
  friend class ContextPool;
  ContextLease(ContextPool* pool, SeqId seq) : pool_(pool), seq_(seq) {}
  void Release();

  ContextPool* pool_;
  SeqId seq_;
};

// Thread-safe.
class ContextPool {
 public:
  // At most `contexts` of the sequences are leased at a time.
  ContextPool(std::int32_t sequences, std::int32_t contexts);

  // nullopt when the sequence is leased, or `contexts` others are.
  std::optional<ContextLease> MaybeLease(SeqId seq);
  bool is_free(SeqId seq) const;
  Capacity capacity() const;

 private:
  friend class ContextLease;
  void Release(SeqId seq);

  const std::int32_t contexts_;
  mutable Mutex mutex_;
  std::vector<bool> used_ GUARDED_BY(mutex_);
  std::int32_t num_active_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sentiric
