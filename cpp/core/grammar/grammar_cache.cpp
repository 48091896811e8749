// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/grammar_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sentiric::grammar {

Result<std::shared_ptr<const Grammar>> GrammarCache::Compile(std::string_view gbnf,
                                                             const Limits& limits) {
  if (gbnf.size() > limits.text_bytes) return grammar::Compile(gbnf, limits);  // refused unread
  const std::size_t hash = std::hash<std::string_view>()(gbnf);
  {
    const MutexLock lock(&mutex_);
    std::shared_ptr<const Grammar> known = Find(hash, gbnf, limits);
    ++(known ? hits_ : misses_);
    if (known) return known;
  }
  Result<std::shared_ptr<const Grammar>> compiled = grammar::Compile(gbnf, limits);
  if (!compiled) return compiled;
  const MutexLock lock(&mutex_);
  // Another thread may have compiled the same text meanwhile; its memo is the warmer one.
  if (std::shared_ptr<const Grammar> known = Find(hash, gbnf, limits)) return known;
  Insert(hash, {std::string(gbnf), limits, *compiled});
  return compiled;
}

std::shared_ptr<const Grammar> GrammarCache::Find(std::size_t hash, std::string_view gbnf,
                                                  const Limits& limits) {
  const auto [begin, end] = index_.equal_range(hash);
  for (auto candidate = begin; candidate != end; ++candidate) {
    const Entries::iterator entry = candidate->second;
    if (entry->text != gbnf || !(entry->limits == limits)) continue;
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
    bytes -= std::min(bytes, last->text.size() + last->grammar->ByteSize());
    const auto [begin, end] = index_.equal_range(std::hash<std::string_view>()(last->text));
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
  for (const Entry& entry : entries_) bytes += entry.text.size() + entry.grammar->ByteSize();
  return bytes;
}

GrammarCacheStats GrammarCache::stats() const {
  const MutexLock lock(&mutex_);
  return {hits_, misses_, entries_.size(), ByteSize()};
}

}  // namespace sentiric::grammar
