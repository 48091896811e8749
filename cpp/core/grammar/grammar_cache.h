// SPDX-License-Identifier: AGPL-3.0-only
// Compiled grammars by their text: the same schema is compiled once, and later requests find its
// states in the memo. In memory only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/grammar/automaton/grammar.h"
#include "core/sync/mutex.h"
#include "sentiric/error.h"
#include "sentiric/types.h"

namespace sentiric::grammar {

struct GrammarCacheStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;  // including texts that do not compile
  std::size_t entries = 0;
  std::size_t bytes = 0;
};

// Evicts the least recently used grammars first. Thread-safe; does not hold its lock while
// compiling.
class GrammarCache {
 public:
  static constexpr std::size_t kMaxBytes = 32 * 1024 * 1024;

  explicit GrammarCache(std::size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // Like grammar::Compile. Requests keep an evicted grammar alive.
  Result<std::shared_ptr<const Grammar>> Compile(const GrammarSpec& spec);

  GrammarCacheStats stats() const;

 private:
  struct Entry {
    GrammarSpec spec;
    std::shared_ptr<const Grammar> grammar;
  };
  using Entries = std::list<Entry>;

  std::shared_ptr<const Grammar> Find(std::size_t hash, const GrammarSpec& spec) REQUIRES(mutex_);
  void Insert(std::size_t hash, Entry entry) REQUIRES(mutex_);
  void Evict() REQUIRES(mutex_);
  std::size_t ByteSize() const REQUIRES(mutex_);

  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);  // most recently used first
  // By hash of the text.
  std::unordered_multimap<std::size_t, Entries::iterator> index_ GUARDED_BY(mutex_);
  std::uint64_t hits_ GUARDED_BY(mutex_) = 0;
  std::uint64_t misses_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sentiric::grammar
