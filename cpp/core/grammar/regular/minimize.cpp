// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/minimize.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "core/grammar/regular/finite_classes.h"
#include "core/grammar/regular/signatures.h"

namespace sentiric::grammar {
namespace {

using Class = StateClass;

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
      if (class_of_[s] != kNoStateClass) continue;
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

std::vector<std::uint32_t> EquivalenceClasses(const EdgeLists& lists,
                                              const std::vector<bool>& accepts) {
  std::vector<Class> class_of(lists.size(), kNoStateClass);
  const SourceLists sources(lists);
  const Class num_classes = FindFiniteClasses(lists, accepts, sources, &class_of);
  if (std::find(class_of.begin(), class_of.end(), kNoStateClass) != class_of.end())
    Refinement(lists, accepts, sources, num_classes, &class_of).Run();
  return class_of;
}

}  // namespace sentiric::grammar
