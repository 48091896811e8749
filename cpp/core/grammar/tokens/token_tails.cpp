// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/tokens/token_tails.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/grammar/tokens/trie_descent.h"

namespace sentiric::grammar {
namespace {

// The longest beginning of characters of the groups.
struct Head {
  std::size_t num_bytes = 0;
  std::size_t num_characters = 0;
  GroupSet next = 0;  // of the character behind it
};

Head HeadOf(std::string_view text, GroupSet groups) {
  Head head;
  while (head.num_bytes < text.size()) {
    const CharacterShape character = CharacterAt(text, head.num_bytes);
    head.next = character.group;
    if ((character.group & groups) == 0) break;
    head.num_bytes += character.num_bytes;
    ++head.num_characters;
  }
  return head;
}

struct Tail {
  std::string text;
  std::uint32_t head_characters = 0;
  bool is_small = false;
  std::uint32_t node = 0;  // of the tokens
};

class Collector {
 public:
  Collector(const Trie& vocabulary, GroupSet groups, GroupSet decided)
      : vocabulary_(vocabulary), groups_(groups), decided_(decided) {}

  // Nothing when there are too many.
  std::optional<std::vector<Tail>> Run() {
    descent_.Enter(0, {});
    while (const auto i = descent_.Next()) {
      if (tails_.size() > kMaxTails) return std::nullopt;
      text_.resize(descent_.depth() - 1);
      Visit(*i);
    }
    return std::move(tails_);
  }

 private:
  static constexpr std::size_t kMaxTails = 4096;

  void Visit(std::uint32_t i) {
    const TrieNode& node = vocabulary_.nodes[i];
    if ((node.groups & ~decided_) == 0) return;
    text_.push_back(static_cast<char>(node.byte));
    if (node.text != kNoText) Add(i);
    descent_.Enter(i, {});
  }

  void Add(std::uint32_t i) {
    if ((ShapeOf(text_).groups & ~decided_) == 0) return;
    const Head head = HeadOf(text_, groups_);
    if (head.num_bytes == 0 || (head.next & decided_) != 0) return;
    const bool is_small = vocabulary_.nodes[i].num_characters <= TokenSlices::kMaxCharacters;
    tails_.push_back({text_.substr(head.num_bytes), static_cast<std::uint32_t>(head.num_characters),
                      is_small, i});
  }

  const Trie& vocabulary_;
  const GroupSet groups_;
  const GroupSet decided_;
  struct Nothing {};
  TrieDescent<Nothing> descent_{vocabulary_};
  std::string text_;  // up to the node that is visited
  std::vector<Tail> tails_;
};

template <typename Accepts>
Trie TrieOf(const Trie& vocabulary, const std::vector<Tail>& tails, Accepts accepts) {
  std::vector<TokenText> texts;
  for (const Tail& tail : tails) {
    if (!accepts(tail)) continue;
    vocabulary.ForEachToken(vocabulary.nodes[tail.node],
                            [&](Token token) { texts.push_back({tail.text, token}); });
  }
  return MakeTrie(texts);
}

// Keeps what `make` returns.
template <typename Kept, typename Make>
typename Kept::mapped_type Remember(const typename Kept::key_type& key, std::size_t max_kept,
                                    Kept* kept, Make make) {
  const auto found = kept->find(key);
  if (found != kept->end()) return found->second;
  if (kept->size() >= max_kept) kept->clear();
  return (*kept)[key] = make();
}

}  // namespace

std::shared_ptr<const Tails> TokenTails::Find(const Trie& vocabulary, GroupSet groups,
                                              GroupSet decided) const {
  const MutexLock lock(&mutex_);
  return Remember({groups, decided}, kMaxKept, &kept_, [&]() -> std::shared_ptr<const Tails> {
    const auto tails = Collector(vocabulary, groups, decided).Run();
    if (!tails) return nullptr;
    return std::make_shared<const Tails>(
        Tails{TrieOf(vocabulary, *tails, [](const Tail& tail) { return tail.is_small; }),
              TrieOf(vocabulary, *tails, [](const Tail& tail) { return !tail.is_small; })});
  });
}

std::shared_ptr<const TailsByHead> TokenTails::FindByHead(const Trie& vocabulary, GroupSet groups,
                                                          GroupSet decided) const {
  const MutexLock lock(&mutex_);
  const auto make = [&]() -> std::shared_ptr<const TailsByHead> {
    const auto tails = Collector(vocabulary, groups, decided).Run();
    if (!tails) return nullptr;
    TailsByHead by_head;
    for (std::uint32_t size = 1; size <= TokenSlices::kMaxCharacters; ++size) {
      by_head.push_back(TrieOf(vocabulary, *tails, [size](const Tail& tail) {
        return tail.is_small && tail.head_characters == size;
      }));
    }
    return std::make_shared<const TailsByHead>(std::move(by_head));
  };
  return Remember({groups, decided}, kMaxKept, &kept_by_head_, make);
}

}  // namespace sentiric::grammar
