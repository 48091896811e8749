// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/grammar_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/grammar/compile.h"

namespace sentiric::grammar {

Result<std::shared_ptr<const Grammar>> GrammarCache::Compile(const GrammarSpec& spec) {
  if (spec.text.size() > max_bytes_) return grammar::Compile(spec);  // refused unread
  const std::size_t hash = std::hash<std::string>()(spec.text);
  {
    const MutexLock lock(&mutex_);
    std::shared_ptr<const Grammar> known = Find(hash, spec);
    ++(known ? hits_ : misses_);
    if (known) return known;
  }
  Result<std::shared_ptr<const Grammar>> compiled = grammar::Compile(spec);
  if (!compiled) return compiled;
  const MutexLock lock(&mutex_);
  // Another thread may have compiled the same text meanwhile; its memo is the warmer one.
  if (std::shared_ptr<const Grammar> known = Find(hash, spec)) return known;
  Insert(hash, {spec, *compiled});
  return compiled;
}

std::shared_ptr<const Grammar> GrammarCache::Find(std::size_t hash, const GrammarSpec& spec) {
  const auto [begin, end] = index_.equal_range(hash);
  for (auto candidate = begin; candidate != end; ++candidate) {
    const Entries::iterator entry = candidate->second;
    if (entry->spec.kind != spec.kind || entry->spec.text != spec.text) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return entry->grammar;
  }
  return nullptr;
}

void GrammarCache::Insert(std::size_t hash, Entry entry) {
  entries_.push_front(std::move(entry));
  index_.emplace(hash, entries_.begin());
  Evict();
}

// Grammars grow while they are used, so their sizes are summed each time. The newest one stays.
void GrammarCache::Evict() {
  for (std::size_t bytes = ByteSize(); bytes > max_bytes_ && entries_.size() > 1;) {
    const auto last = std::prev(entries_.end());
    bytes -= std::min(bytes, last->spec.text.size() + last->grammar->ByteSize());
    const auto [begin, end] = index_.equal_range(std::hash<std::string>()(last->spec.text));
    for (auto candidate = begin; candidate != end; ++candidate) {
      if (candidate->second != last) continue;
      index_.erase(candidate);
      break;
    }
    entries_.pop_back();
  }
}

std::size_t GrammarCache::ByteSize() const {
  std::size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.spec.text.size() + entry.grammar->ByteSize();
  return bytes;
}

GrammarCacheStats GrammarCache::stats() const {
  const MutexLock lock(&mutex_);
  return {hits_, misses_, entries_.size(), ByteSize()};
}

}  // namespace sentiric::grammar
