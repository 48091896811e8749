// SPDX-License-Identifier: AGPL-3.0-only
// KV states in host memory.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "core/seams/stored_state.h"

namespace sentiric {

// Bounded in bytes; drops the least recently used first. One thread uses it.
class StateStore {
 public:
  explicit StateStore(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Whether a state of this size can be kept at all.
  bool Fits(std::uint64_t bytes) const { return bytes > 0 && bytes <= max_bytes_; }

  // The state must fit. Appends the holders that were dropped for it.
  void Put(HolderId id, StoredState state, std::vector<HolderId>* dropped);
  // Null when unknown; counts as a use. Valid until the next Put or Erase.
  const StoredState* Find(HolderId id);
  const PrefixRecord* Peek(HolderId id) const;  // not a use
  void Erase(HolderId id);

  std::uint64_t num_bytes() const { return num_bytes_; }
  std::size_t size() const { return states_.size(); }

 private:
  struct Entry {
    HolderId id;
    StoredState state;
  };
  using Entries = std::list<Entry>;

  const std::uint64_t max_bytes_;
  std::uint64_t num_bytes_ = 0;
  Entries entries_;  // most recently used first
  std::unordered_map<HolderId, Entries::iterator> states_;
};

}  // namespace sentiric
