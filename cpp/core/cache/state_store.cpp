// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/state_store.h"

#include <utility>

namespace sentiric {

void StateStore::Put(HolderId id, StoredState state, std::vector<HolderId>* dropped) {
  while (num_bytes_ + state.bytes.size() > max_bytes_) {
    dropped->push_back(entries_.back().id);
    Erase(entries_.back().id);
  }
  num_bytes_ += state.bytes.size();
  entries_.push_front({id, std::move(state)});
  states_[id] = entries_.begin();
}

const StoredState* StateStore::Find(HolderId id) {
  const auto found = states_.find(id);
  if (found == states_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &found->second->state;
}

const PrefixRecord* StateStore::Peek(HolderId id) const {
  const auto found = states_.find(id);
  return found == states_.end() ? nullptr : &found->second->state.record;
}

void StateStore::Erase(HolderId id) {
  const auto found = states_.find(id);
  if (found == states_.end()) return;
  num_bytes_ -= found->second->state.bytes.size();
  entries_.erase(found->second);
  states_.erase(found);
}

}  // namespace sentiric
