// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/counter_use.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace sentiric::grammar {
namespace {

class LiveRegions {
 public:
  LiveRegions(const Program& program, std::size_t counter)
      : program_(program),
        counter_(counter),
        live_(program.code.size()),
        region_(program.code.size()) {
    std::iota(region_.begin(), region_.end(), Pc{0});
  }

  CounterUse Find() {
    for (Pc pc = 0; pc < program_.code.size(); ++pc) {
      if (Compares(pc)) SetLive(pc);
    }
    if (todo_.empty()) return {};
    FindPredecessors();
    while (!todo_.empty()) {
      const Pc pc = todo_.back();
      todo_.pop_back();
      if (Repeats(pc)) continue;  // reached from elsewhere, its count is 0
      for (std::size_t i = begin_[pc]; i < begin_[pc + 1]; ++i) Extend(predecessors_[i], pc);
    }
    return Collect();
  }

 private:
  bool Repeats(Pc pc) const { return counter_ == 0 && program_.code[pc].op == Op::kRepeat; }
  bool Compares(Pc pc) const {
    const Instr& instr = program_.code[pc];
    if (Repeats(pc)) return true;
    return instr.b == counter_ &&
           (instr.op == Op::kAtLeast || (instr.op == Op::kCount && instr.a != kUnlimited));
  }
  bool Resets(Pc pc) const {
    const Instr& instr = program_.code[pc];
    return Repeats(pc) || (instr.op == Op::kReset && instr.b == counter_);
  }

  void SetLive(Pc pc) {
    if (live_[pc]) return;
    live_[pc] = true;
    todo_.push_back(pc);
  }
  void Extend(Pc predecessor, Pc pc) {
    if (Resets(predecessor)) return;
    SetLive(predecessor);
    region_[RegionOf(predecessor)] = RegionOf(pc);
  }
  Pc RegionOf(Pc pc) {
    for (; region_[pc] != pc; pc = region_[pc]) region_[pc] = region_[region_[pc]];
    return pc;
  }

  // Calls visit(from, to) for each step inside a subroutine.
  template <typename Visit>
  void VisitSteps(Visit visit) const {
    for (Pc pc = kEndPc + 1; pc < program_.code.size(); ++pc) {
      const Instr& instr = program_.code[pc];
      if (instr.op == Op::kSplit) {
        for (std::uint32_t i = instr.a; i < instr.b; ++i) visit(pc, program_.targets[i]);
      } else if (instr.op == Op::kBytes) {
        for (std::uint32_t i = instr.a; i < instr.b; ++i) visit(pc, program_.edges[i].target);
      } else {
        visit(pc, instr.next);
      }
    }
  }

  void FindPredecessors() {
    begin_.resize(program_.code.size() + 1);
    VisitSteps([this](Pc, Pc to) { ++begin_[to + 1]; });
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    predecessors_.resize(begin_.back());
    std::vector<std::size_t> end(begin_.begin(), begin_.end() - 1);
    VisitSteps([this, &end](Pc from, Pc to) { predecessors_[end[to]++] = from; });
  }

  CounterUse Collect() {
    CounterUse use;
    use.group.resize(program_.code.size());
    use.bounds.resize(1);
    std::unordered_map<Pc, std::uint32_t> groups;
    for (Pc pc = 0; pc < program_.code.size(); ++pc) {
      if (!live_[pc]) continue;
      const auto added =
          groups.emplace(RegionOf(pc), static_cast<std::uint32_t>(use.bounds.size()));
      if (added.second) use.bounds.emplace_back();
      use.group[pc] = added.first->second;
      AddBounds(pc, &use.bounds[added.first->second]);
    }
    for (std::vector<std::uint32_t>& bounds : use.bounds) {
      std::sort(bounds.begin(), bounds.end());
      bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    }
    return use;
  }

  void AddBounds(Pc pc, std::vector<std::uint32_t>* bounds) const {
    const Instr& instr = program_.code[pc];
    if (!Repeats(pc)) {
      if (Compares(pc)) bounds->push_back(instr.a);
      return;
    }
    const Repetition& repeat = program_.repeats[instr.a];
    bounds->push_back(repeat.min);
    if (repeat.max != kUnlimited) bounds->push_back(repeat.max - 1);  // the last one is not counted
  }

  const Program& program_;
  const std::size_t counter_;
  std::vector<bool> live_;
  std::vector<Pc> region_;  // disjoint sets: a member closer to the representative
  std::vector<Pc> todo_;
  std::vector<std::size_t> begin_;  // by Pc: where its predecessors begin
  std::vector<Pc> predecessors_;
};

}  // namespace

CounterUse FindCounterUse(const Program& program, std::size_t counter) {
  return LiveRegions(program, counter).Find();
}

}  // namespace sentiric::grammar
