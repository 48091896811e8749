// SPDX-License-Identifier: AGPL-3.0-only
// All KV states outside of the decoder: in host memory and on disk.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/cache/prefix_index.h"
#include "core/cache/state_store.h"
#include "core/seams/disk_tier.h"
#include "core/seams/stored_state.h"

namespace sentiric {

// Keeps the index complete: it holds every stored state. One thread uses it; `index` outlives it.
class StoredStates {
 public:
  // host_bytes: bound of the states in host memory; 0 = none. disk: null = none.
  StoredStates(std::uint64_t host_bytes, std::unique_ptr<DiskTier> disk, PrefixIndex* index);

  // holder: a stored one.
  const PrefixRecord& RecordOf(HolderId holder) const {
    return IsOnDisk(holder) ? *disk_->Peek(holder) : *host_.Peek(holder);
  }
  // Null when it cannot be read. Counts as a use; valid until the next change.
  std::shared_ptr<const StoredState> Find(HolderId holder);
  void Forget(HolderId holder);
  // Forgets earlier turns of the record's conversation in host memory, or on disk.
  void ForgetCovered(const PrefixRecord& record, bool on_disk);
  void ForgetLost();  // those whose files could not be written

  bool FitsInHost(std::uint64_t bytes) const { return host_.Fits(bytes); }
  void PutInHost(StoredState state);  // it must fit

  bool has_disk() const { return disk_->is_open(); }
  bool FitsOnDisk(std::uint64_t bytes) const { return disk_->HasRoomFor(bytes); }
  bool IsSavedOnDisk(const PrefixRecord& record);  // counts as a use
  void PutOnDisk(StoredState state);
  void Flush() { disk_->Flush(); }  // waits until all is written

  std::uint64_t num_host_bytes() const { return host_.num_bytes(); }
  std::uint64_t num_disk_bytes() const { return disk_->num_bytes(); }
  std::uint64_t num_disk_failures() const { return disk_->num_failures(); }
  std::uint64_t num_host_drops() const { return num_host_drops_; }
  std::uint64_t num_disk_saves() const { return num_disk_saves_; }
  std::size_t size() const { return host_.size() + disk_->size(); }
  bool CheckIntegrity() const;

 private:
  void EraseFromIndex(const std::vector<HolderId>& holders);

  const std::uint64_t host_bytes_;
  StateStore host_;
  const std::unique_ptr<DiskTier> disk_;
  PrefixIndex* const index_;
  HolderId next_in_host_ = kFirstStored;
  std::uint64_t num_host_drops_ = 0, num_disk_saves_ = 0;
};

}  // namespace sentiric
