// SPDX-License-Identifier: AGPL-3.0-only
// Ends of tokens behind characters of some groups.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/grammar/automaton/byte_groups.h"
#include "core/grammar/tokens/token_slices.h"
#include "core/grammar/tokens/trie.h"
#include "core/sync/mutex.h"

namespace sentiric::grammar {

// The tail of a token is what follows its longest beginning of characters of some groups. Where
// these characters change nothing, as those of a text in quotes, tokens with the same tail are
// allowed or not together: of a large vocabulary, this leaves a few hundred texts to look at.
struct Tails {
  // Of tokens that begin with a character of the groups, but are not decided.
  Trie small;  // with up to TokenSlices::kMaxCharacters characters
  Trie large;
};

// The same for small tokens, by the number of characters before the tail, less 1. For states that
// count characters, of which each goes on in its own way.
using TailsByHead = std::vector<Trie>;

// One per vocabulary. Thread-safe.
class TokenTails {
 public:
  // Tokens that consist of characters of `decided` have no tails, nor do those with one of them
  // behind `groups`, which are a part of them: it is refused there.
  // Null when the others have too many tails to be of use. Keeps some.
  std::shared_ptr<const Tails> Find(const Trie& vocabulary, GroupSet groups,
                                    GroupSet decided) const;
  std::shared_ptr<const TailsByHead> FindByHead(const Trie& vocabulary, GroupSet groups,
                                                GroupSet decided) const;

 private:
  static constexpr std::size_t kMaxKept = 64;

  using Key = std::pair<GroupSet, GroupSet>;

  mutable Mutex mutex_;
  mutable std::map<Key, std::shared_ptr<const Tails>> kept_ GUARDED_BY(mutex_);
  mutable std::map<Key, std::shared_ptr<const TailsByHead>> kept_by_head_ GUARDED_BY(mutex_);
};

}  // namespace sentiric::grammar
