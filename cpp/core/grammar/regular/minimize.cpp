// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/minimize.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace sentiric::grammar {
namespace {

using Class = std::uint32_t;
constexpr Class kNoClass = UINT32_MAX;

struct Labelled {
  CodeRange range;
  Class target = 0;
};

// Where the edges of a state lead, as classes.
class Signatures {
 public:
  Signatures(const EdgeLists& lists, const std::vector<Class>& class_of)
      : lists_(lists), class_of_(class_of) {}

  std::uint64_t Hash(DfaState s) const {
    std::uint64_t hash = 0;
    const DfaEdges edges = lists_.of(s);
    Labelled x;
    for (const DfaEdge* edge = edges.begin(); Next(edges, &edge, &x);) {
      hash = (hash ^ (std::uint64_t{x.range.first} << 32 | x.range.last)) * 0x9E3779B97F4A7C15ULL;
      hash = (hash ^ (hash >> 29) ^ x.target) * 0xBF58476D1CE4E5B9ULL;
    }
    return hash ^ (hash >> 32);
  }

  bool AreEqual(DfaState a, DfaState b) const {
    const DfaEdges of_a = lists_.of(a), of_b = lists_.of(b);
    Labelled x, y;
    for (const DfaEdge *i = of_a.begin(), *j = of_b.begin();;) {
      const bool more = Next(of_a, &i, &x);
      if (more != Next(of_b, &j, &y)) return false;
      if (!more) return true;
      if (!(x.range == y.range) || x.target != y.target) return false;
    }
  }

 private:
  // The next edge of the signature: adjacent ranges that lead to the same class are one.
  bool Next(DfaEdges edges, const DfaEdge** edge, Labelled* out) const {
    if (*edge == edges.end()) return false;
    *out = {(*edge)->range, class_of_[(*edge)->target]};
    for (++*edge; *edge != edges.end() && (*edge)->range.first == out->range.last + 1 &&
                  class_of_[(*edge)->target] == out->target;
         ++*edge) {
      out->range.last = (*edge)->range.last;
    }
    return true;
  }

  const EdgeLists& lists_;
  const std::vector<Class>& class_of_;
};

// Gives classes to the states that no cycle can be reached from, beginning with those without
// edges. The others are left kNoClass. Returns the number of classes.
class FiniteClasses {
 public:
  FiniteClasses(const EdgeLists& lists, const std::vector<bool>& accepts,
                const SourceLists& sources, std::vector<Class>* class_of)
      : lists_(lists),
        accepts_(accepts),
        sources_(sources),
        class_of_(*class_of),
        signatures_(lists, *class_of) {}

  Class Run() {
    std::size_t num_slots = 4;
    while (num_slots < 2 * std::size_t{lists_.size()}) num_slots *= 2;
    slots_.assign(num_slots, kNoState);
    std::vector<std::size_t> open(lists_.size());
    std::vector<DfaState> todo;
    for (DfaState s = 0; s < lists_.size(); ++s) {
      open[s] = lists_.of(s).size();
      if (open[s] == 0) todo.push_back(s);
    }
    while (!todo.empty()) {
      const DfaState s = todo.back();
      todo.pop_back();
      Classify(s);
      for (std::uint32_t i = sources_.first[s]; i < sources_.first[s + 1]; ++i) {
        if (--open[sources_.sources[i]] == 0) todo.push_back(sources_.sources[i]);
      }
    }
    return num_classes_;
  }

 private:
  void Classify(DfaState s) {
    std::size_t slot = (signatures_.Hash(s) + (accepts_[s] ? 1 : 0)) & (slots_.size() - 1);
    for (; slots_[slot] != kNoState; slot = (slot + 1) & (slots_.size() - 1)) {
      const DfaState known = slots_[slot];
      if (accepts_[known] != accepts_[s] || !signatures_.AreEqual(known, s)) continue;
      class_of_[s] = class_of_[known];
      return;
    }
    slots_[slot] = s;
    class_of_[s] = num_classes_++;
  }

  const EdgeLists& lists_;
  const std::vector<bool>& accepts_;
  const SourceLists& sources_;
  std::vector<Class>& class_of_;
  const Signatures signatures_;
  std::vector<DfaState> slots_;  // a hash table of one state of each class
  Class num_classes_ = 0;
};

class Refinement {
 public:
  // States that have a class keep it, and those classes have no other states.
  Refinement(const EdgeLists& lists, const std::vector<bool>& accepts, const SourceLists& sources,
             Class num_classes, std::vector<Class>* class_of)
      : sources_(sources),
        class_of_(*class_of),
        signatures_(lists, *class_of),
        slot_(lists.size()),
        is_dirty_(lists.size()) {
    members_.resize(num_classes + 2);
    for (DfaState s = 0; s < lists.size(); ++s) {
      if (class_of_[s] != kNoClass) continue;
      Enter(s, num_classes + (accepts[s] ? 1 : 0));
      is_dirty_[s] = true;
      dirty_.push_back(s);
    }
  }

  void Run() {
    while (!dirty_.empty()) Round();
  }

 private:
  struct Entry {
    Class of = 0;
    std::uint64_t hash = 0;
    DfaState state = 0;
    std::size_t weight = 1;  // the representative of the clean states stands for all of them
  };
  using Entries = std::vector<Entry>::iterator;
  struct Group {
    std::size_t weight = 0;
    std::vector<DfaState> dirty;
    bool has_clean = false;
  };

  void Enter(DfaState s, Class c) {
    class_of_[s] = c;
    slot_[s] = members_[c].size();
    members_[c].push_back(s);
  }
  void Leave(DfaState s) {
    std::vector<DfaState>& members = members_[class_of_[s]];
    members[slot_[s]] = members.back();
    slot_[members.back()] = slot_[s];
    members.pop_back();
  }

  // The dirty states and, where a class has clean ones too, one of these for all of them: they
  // share a signature.
  std::vector<Entry> Listed() {
    std::vector<Entry> entries;
    num_dirty_.resize(members_.size());
    for (DfaState s : dirty_) {
      entries.push_back({class_of_[s], signatures_.Hash(s), s, 1});
      ++num_dirty_[class_of_[s]];
    }
    for (DfaState dirty : dirty_) {
      const Class c = class_of_[dirty];
      const std::size_t of_dirty = std::exchange(num_dirty_[c], 0);
      const std::size_t clean = members_[c].size() - of_dirty;
      if (of_dirty == 0 || clean == 0) continue;  // listed before, or nothing to list
      const DfaState s = *std::find_if(members_[c].begin(), members_[c].end(),
                                       [&](DfaState member) { return !is_dirty_[member]; });
      entries.push_back({c, signatures_.Hash(s), s, clean});
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& x, const Entry& y) {
      return x.of != y.of ? x.of < y.of : x.hash != y.hash ? x.hash < y.hash : x.state < y.state;
    });
    return entries;
  }

  // Groups of equal signatures in one class.
  std::vector<Group> Groups(Entries begin, Entries end) const {
    std::vector<Group> groups;
    while (begin != end) {
      const Entry first = *begin;
      const Entries same_hash =
          std::find_if(begin, end, [&](const Entry& entry) { return entry.hash != first.hash; });
      const Entries rest = std::stable_partition(begin, same_hash, [&](const Entry& entry) {
        return signatures_.AreEqual(first.state, entry.state);
      });
      Group& group = groups.emplace_back();
      for (; begin != rest; ++begin) {
        group.weight += begin->weight;
        if (is_dirty_[begin->state]) {
          group.dirty.push_back(begin->state);
        } else {
          group.has_clean = true;
        }
      }
    }
    return groups;
  }

  // All signatures are compared before any class changes its name.
  void Round() {
    std::vector<Entry> entries = Listed();
    std::vector<std::pair<Class, std::vector<Group>>> splits;
    for (Entries begin = entries.begin(); begin != entries.end();) {
      const Class c = begin->of;
      const Entries end =
          std::find_if(begin, entries.end(), [&](const Entry& entry) { return entry.of != c; });
      std::vector<Group> groups = Groups(begin, end);
      if (groups.size() > 1) splits.emplace_back(c, std::move(groups));
      begin = end;
    }
    std::vector<DfaState> renamed;
    for (auto& [c, groups] : splits) Split(c, &groups, &renamed);
    for (DfaState s : dirty_) is_dirty_[s] = false;
    dirty_.clear();
    for (DfaState s : renamed) {
      for (std::uint32_t i = sources_.first[s]; i < sources_.first[s + 1]; ++i) {
        const DfaState source = sources_.sources[i];
        if (is_dirty_[source]) continue;
        is_dirty_[source] = true;
        dirty_.push_back(source);
      }
    }
  }

  void Split(Class c, std::vector<Group>* groups, std::vector<DfaState>* renamed) {
    const auto largest =
        std::max_element(groups->begin(), groups->end(),
                         [](const Group& x, const Group& y) { return x.weight < y.weight; });
    for (auto group = groups->begin(); group != groups->end(); ++group) {
      if (group == largest) continue;
      std::vector<DfaState>& states = group->dirty;
      if (group->has_clean) {
        std::copy_if(members_[c].begin(), members_[c].end(), std::back_inserter(states),
                     [&](DfaState s) { return !is_dirty_[s]; });
      }
      members_.emplace_back();
      for (DfaState s : states) {
        Leave(s);
        Enter(s, static_cast<Class>(members_.size() - 1));
      }
      renamed->insert(renamed->end(), states.begin(), states.end());
    }
  }

  const SourceLists& sources_;
  std::vector<Class>& class_of_;
  const Signatures signatures_;
  std::vector<std::vector<DfaState>> members_;  // by class
  std::vector<std::size_t> slot_;               // of a state among the members of its class
  std::vector<DfaState> dirty_;                 // an edge leads to a class with a new name
  std::vector<bool> is_dirty_;
  std::vector<std::size_t> num_dirty_;  // by class; 0 outside of Listed
};

}  // namespace

SourceLists::SourceLists(const EdgeLists& lists)
    : sources(lists.edges.size()), first(lists.size() + std::size_t{2}) {
  // Counts are moved by two, so that filling the lists leaves `first` right.
  for (const DfaEdge& edge : lists.edges) ++first[edge.target + std::size_t{2}];
  for (std::size_t i = 2; i < first.size(); ++i) first[i] += first[i - 1];
  for (DfaState s = 0; s < lists.size(); ++s) {
    for (const DfaEdge& edge : lists.of(s)) sources[first[edge.target + std::size_t{1}]++] = s;
  }
  first.pop_back();
}

std::vector<std::uint32_t> EquivalenceClasses(const EdgeLists& lists,
                                              const std::vector<bool>& accepts) {
  std::vector<Class> class_of(lists.size(), kNoClass);
  const SourceLists sources(lists);
  const Class num_classes = FiniteClasses(lists, accepts, sources, &class_of).Run();
  if (std::find(class_of.begin(), class_of.end(), kNoClass) != class_of.end())
    Refinement(lists, accepts, sources, num_classes, &class_of).Run();
  return class_of;
}

}  // namespace sentiric::grammar
