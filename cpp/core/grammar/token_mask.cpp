// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/token_mask.h"

#include <utility>

namespace sentiric::grammar {

std::shared_ptr<const TokenMask> MaskCache::Find(const Automaton* automaton, StateId state) {
  const MutexLock lock(&mutex_);
  const auto found = index_.find({automaton, state});
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->mask;
}

void MaskCache::Insert(const std::shared_ptr<Automaton>& automaton, StateId state,
                       std::shared_ptr<const TokenMask> mask) {
  const MutexLock lock(&mutex_);
  const Key key = {automaton.get(), state};
  if (index_.count(key) != 0) return;  // another thread was faster
  const std::size_t num_bytes =
      sizeof(Entry) + sizeof(TokenMask) + mask->words.size() * sizeof(std::uint64_t);
  entries_.push_front({key, automaton, std::move(mask), num_bytes});
  index_[key] = entries_.begin();
  num_bytes_ += num_bytes;
  Evict();
}

// The newest mask stays even when it alone is over the bound.
void MaskCache::Evict() {
  while (num_bytes_ > max_bytes_ && entries_.size() > 1) {
    num_bytes_ -= entries_.back().num_bytes;
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

std::size_t MaskCache::ByteSize() const {
  const MutexLock lock(&mutex_);
  return num_bytes_;
}

}  // namespace sentiric::grammar
