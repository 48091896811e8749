// SPDX-License-Identifier: AGPL-3.0-only
// Masks of the tokens that may come next, and a cache for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/grammar/automaton/automaton.h"
#include "core/sync/mutex.h"
#include "sentiric/types.h"

namespace sentiric::grammar {

// A place in a token where the grammar asks whether a key is new.
struct KeyPlace {
  std::uint32_t node = 0;    // of the trie
  bool is_repeated = false;  // the same token has an earlier one
};

// Bit t of the words, lowest first, is token t.
struct TokenMask {
  std::vector<std::uint64_t> words;
  std::size_t num_allowed = 0;
  std::vector<KeyPlace> key_places;  // of allowed tokens, by node; of masks that forget keys

  bool Contains(Token token) const {
    const auto bit = static_cast<std::uint32_t>(token);
    return bit / 64 < words.size() && (words[bit / 64] >> (bit % 64) & 1) != 0;
  }
  void Add(Token token) {
    const auto bit = static_cast<std::uint32_t>(token);
    num_allowed += Contains(token) ? 0 : 1;
    words[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
  void Remove(Token token) {
    const auto bit = static_cast<std::uint32_t>(token);
    num_allowed -= Contains(token) ? 1 : 0;
    words[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
  }
  // Adds all that the other mask, of as many words, has.
  void Add(const TokenMask& other);
  std::size_t ByteSize() const {
    return sizeof(TokenMask) + words.size() * sizeof(std::uint64_t) +
           key_places.size() * sizeof(KeyPlace);
  }
};

// Which tokens a cached mask is about, besides its state.
struct MaskPart {
  std::uint32_t node = 0;  // of the trie: tokens that begin with it
  bool is_small = false;   // with few characters
  bool operator==(const MaskPart& other) const {
    return node == other.node && is_small == other.is_small;
  }
};

// Evicts the least recently used masks first. Thread-safe.
class MaskCache {
 public:
  explicit MaskCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Null when it is not cached.
  std::shared_ptr<const TokenMask> Find(const Automaton* automaton, StateId state,
                                        MaskPart part = {});
  void Insert(const std::shared_ptr<Automaton>& automaton, StateId state, MaskPart part,
              std::shared_ptr<const TokenMask> mask);
  std::size_t ByteSize() const;

 private:
  struct Key {
    const Automaton* automaton = nullptr;
    StateId state = 0;
    MaskPart part;
    bool operator==(const Key& other) const {
      return automaton == other.automaton && state == other.state && part == other.part;
    }
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      const std::size_t part = std::size_t{key.part.node} << 1 | (key.part.is_small ? 1 : 0);
      return std::hash<const void*>()(key.automaton) ^
             ((std::size_t{key.state} ^ part << 32) * 0x9E3779B97F4A7C15ULL);
    }
  };
  struct Entry {
    Key key;
    std::weak_ptr<Automaton> alive;  // keeps the address of the automaton from being reused
    std::shared_ptr<const TokenMask> mask;
    std::size_t num_bytes = 0;
  };

  void Evict() REQUIRES(mutex_);

  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // most recently used first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index_ GUARDED_BY(mutex_);
  std::size_t num_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sentiric::grammar
