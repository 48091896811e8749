// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/stored_states.h"

#include <utility>

namespace sentiric {

StoredStates::StoredStates(std::uint64_t host_bytes, std::unique_ptr<DiskTier> disk,
                           PrefixIndex* index)
    : host_bytes_(host_bytes),
      host_(host_bytes),
      disk_(disk ? std::move(disk) : std::make_unique<NoDisk>()),
      index_(index) {
  for (const HolderId holder : disk_->holders()) {
    const PrefixRecord& record = *disk_->Peek(holder);
    index_->Insert(holder, record.scope, record.tokens);
  }
}

std::shared_ptr<const StoredState> StoredStates::Find(HolderId holder) {
  if (IsOnDisk(holder)) return disk_->Find(holder);
  return {std::shared_ptr<void>(), host_.Find(holder)};  // does not own it: the store does
}

void StoredStates::Forget(HolderId holder) {
  index_->Erase(holder);
  if (IsOnDisk(holder)) {
    disk_->Erase(holder);
  } else {
    host_.Erase(holder);
  }
}

void StoredStates::ForgetCovered(const PrefixRecord& record, bool on_disk) {
  for (const PrefixMatch& match : index_->Match(record.scope, record.tokens)) {
    if (!IsStored(match.holder) || IsOnDisk(match.holder) != on_disk) continue;
    const PrefixRecord& old = RecordOf(match.holder);
    const auto size = static_cast<std::int32_t>(old.tokens.size());
    if (match.length < size) continue;
    if (old.owner != record.owner && record.shared < size) continue;
    Forget(match.holder);
  }
}

void StoredStates::ForgetLost() { EraseFromIndex(disk_->TakeLost()); }

void StoredStates::PutInHost(StoredState state) {
  const HolderId holder = next_in_host_;
  next_in_host_ = holder + 1 == kFirstOnDisk ? kFirstStored : holder + 1;
  index_->Insert(holder, state.record.scope, state.record.tokens);
  std::vector<HolderId> dropped;
  host_.Put(holder, std::move(state), &dropped);
  EraseFromIndex(dropped);
  num_host_drops_ += dropped.size();
}

bool StoredStates::IsSavedOnDisk(const PrefixRecord& record) {
  for (const PrefixMatch& match : index_->Match(record.scope, record.tokens)) {
    if (match.length < static_cast<std::int32_t>(record.tokens.size())) return false;
    if (!IsOnDisk(match.holder)) continue;
    disk_->Use(match.holder);
    return true;
  }
  return false;
}

void StoredStates::PutOnDisk(StoredState state) {
  std::vector<HolderId> dropped;
  const PrefixRecord record = state.record;
  const std::optional<HolderId> holder = disk_->Put(std::move(state), &dropped);
  EraseFromIndex(dropped);
  if (!holder) return;
  index_->Insert(*holder, record.scope, record.tokens);
  ++num_disk_saves_;
}

void StoredStates::EraseFromIndex(const std::vector<HolderId>& holders) {
  for (const HolderId holder : holders) index_->Erase(holder);
}

bool StoredStates::CheckIntegrity() const {
  for (const HolderId holder : disk_->holders()) {
    if (index_->TokensOf(holder) != disk_->Peek(holder)->tokens) return false;
  }
  return host_.num_bytes() <= host_bytes_ && disk_->CheckIntegrity();
}

}  // namespace sentiric
