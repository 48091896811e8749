// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/token_mask.h"

#include <utility>

namespace sentiric::grammar {

namespace {

// Adds neighbouring bits, pairs, fours and bytes. Compilers turn a loop of it into vectors, which
// they do not with the call that std::bitset is without a popcount instruction.
std::size_t NumBits(std::uint64_t word) {
  word -= word >> 1 & 0x5555555555555555;
  word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
  word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0F;
  return word * 0x0101010101010101 >> 56;
}

}  // namespace

void TokenMask::Add(const TokenMask& other) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    num_allowed += NumBits(other.words[i] & ~words[i]);
    words[i] |= other.words[i];
  }
}

std::shared_ptr<const TokenMask> MaskCache::Find(const Automaton* automaton, StateId state,
                                                 MaskPart part) {
  const MutexLock lock(&mutex_);
  const auto found = index_.find({automaton, state, part});
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->mask;
}

void MaskCache::Insert(const std::shared_ptr<Automaton>& automaton, StateId state, MaskPart part,
                       std::shared_ptr<const TokenMask> mask) {
  const MutexLock lock(&mutex_);
  const Key key = {automaton.get(), state, part};
  if (index_.count(key) != 0) return;  // another thread was faster
  const std::size_t num_bytes = sizeof(Entry) + mask->ByteSize();
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
