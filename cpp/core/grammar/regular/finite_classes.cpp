// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/finite_classes.h"

#include <cstddef>
#include <cstdint>

namespace sentiric::grammar {
namespace {

class FiniteClasses {
 public:
  FiniteClasses(const EdgeLists& lists, const std::vector<bool>& accepts,
                const SourceLists& sources, std::vector<StateClass>* class_of)
      : lists_(lists),
        accepts_(accepts),
        sources_(sources),
        class_of_(*class_of),
        signatures_(lists, *class_of) {}

  StateClass Run() {
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
  std::vector<StateClass>& class_of_;
  const Signatures signatures_;
  std::vector<DfaState> slots_;  // a hash table of one state of each class
  StateClass num_classes_ = 0;
};

}  // namespace

StateClass FindFiniteClasses(const EdgeLists& lists, const std::vector<bool>& accepts,
                             const SourceLists& sources, std::vector<StateClass>* class_of) {
  return FiniteClasses(lists, accepts, sources, class_of).Run();
}

}  // namespace sentiric::grammar
