// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/closure.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {

Closure::Closure(const Program& program, FrameSets* sets)
    : program_(program),
      sets_(*sets),
      by_rank_(program.subs.size()),
      callers_(program.subs.size()),
      visited_(256) {
  for (Sub sub = 0; sub < program.subs.size(); ++sub) by_rank_[program.subs[sub].rank] = sub;
}

void Closure::AddRoot() {
  const Frame end = {kEndPc, 0, 0};
  Call(program_.root, end);
  if (program_.subs[program_.root].nullable) Push(end);
}

bool Closure::Run(StepBudget* budget, SetId* waiting) {
  bool within = Drain(budget, false);
  while (within && !pending_.empty()) {
    const std::uint32_t rank = pending_.top();
    pending_.pop();
    const SetId callers = TakeCallers(&callers_[rank], budget);
    Push({program_.subs[by_rank_[rank]].entry, 0, callers});
    within = Drain(budget, true);
  }
  if (within) *waiting = sets_.Intern(&waiting_);
  Clear();
  return within;
}

void Closure::Clear() {
  for (; !pending_.empty(); pending_.pop()) callers_[pending_.top()] = {};
  todo_.clear();
  waiting_.clear();
  num_visited_ = 0;
  ++run_;
}

bool Closure::Drain(StepBudget* budget, bool entering) {
  while (!todo_.empty()) {
    if (!budget->Take(1)) return false;
    const Frame frame = todo_.back();
    todo_.pop_back();
    Step(frame, entering, budget);
  }
  return true;
}

// entering: whether no byte was taken since the subroutine of the frame was entered.
void Closure::Step(const Frame& frame, bool entering, StepBudget* budget) {
  const Instr& instr = program_.code[frame.pc];
  switch (instr.op) {
    case Op::kByte:
    case Op::kBytes:
    case Op::kEnd: waiting_.push_back(frame); break;
    case Op::kJump: Push({instr.next, 0, frame.callers}); break;
    case Op::kSplit:
      budget->Take(instr.b - instr.a);
      for (std::uint32_t i = instr.a; i < instr.b; ++i)
        Push({program_.targets[i], 0, frame.callers});
      break;
    case Op::kCall:
      Call(instr.a, {instr.next, 0, frame.callers});
      if (program_.subs[instr.a].nullable) Push({instr.next, 0, frame.callers});
      break;
    case Op::kRepeat: StepRepeat(instr, frame); break;
    case Op::kReturn:
      if (entering) break;
      budget->Take(sets_.size(frame.callers));
      for (const Frame* f = sets_.begin(frame.callers); f != sets_.end(frame.callers); ++f)
        Push(*f);
  }
}

void Closure::StepRepeat(const Instr& instr, const Frame& frame) {
  const Repetition& repeat = program_.repeats[instr.a];
  if (frame.count >= repeat.min) Push({instr.next, 0, frame.callers});
  if (repeat.max == kUnlimited) {
    // Beyond the lower bound the count does not matter.
    Call(repeat.body, {frame.pc, std::min(frame.count + 1, repeat.min), frame.callers});
  } else if (frame.count + 1 < repeat.max) {
    Call(repeat.body, {frame.pc, frame.count + 1, frame.callers});
  } else {
    Call(repeat.body, {instr.next, 0, frame.callers});
  }
}

void Closure::Call(Sub sub, const Frame& return_to) {
  const std::uint32_t rank = program_.subs[sub].rank;
  Callers& callers = callers_[rank];
  if (callers.frames.empty() && callers.sets.empty()) pending_.push(rank);
  if (return_to.pc == kReturnPc) {
    callers.sets.push_back(return_to.callers);
  } else {
    callers.frames.push_back(return_to);
  }
}

SetId Closure::TakeCallers(Callers* callers, StepBudget* budget) {
  std::vector<SetId>& sets = callers->sets;
  std::sort(sets.begin(), sets.end());
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  SetId result = 0;
  if (callers->frames.empty() && sets.size() == 1) {
    result = sets.front();
  } else {
    for (SetId set : sets) {
      budget->Take(sets_.size(set));
      callers->frames.insert(callers->frames.end(), sets_.begin(set), sets_.end(set));
    }
    result = sets_.Intern(&callers->frames);
  }
  sets.clear();
  callers->frames.clear();
  return result;
}

void Closure::Push(const Frame& frame) {
  if (IsNew(frame)) todo_.push_back(frame);
}

bool Closure::IsNew(const Frame& frame) {
  if (num_visited_ * 2 >= visited_.size()) GrowVisited();
  const std::size_t mask = visited_.size() - 1;
  std::size_t slot = HashFrame(frame) & mask;
  for (; visited_[slot].run == run_; slot = (slot + 1) & mask) {
    if (visited_[slot].frame == frame) return false;
  }
  visited_[slot] = {frame, run_};
  ++num_visited_;
  return true;
}

void Closure::GrowVisited() {
  std::vector<VisitedSlot> old(visited_.size() * 2);
  old.swap(visited_);
  const std::size_t mask = visited_.size() - 1;
  for (const VisitedSlot& entry : old) {
    if (entry.run != run_) continue;
    std::size_t slot = HashFrame(entry.frame) & mask;
    while (visited_[slot].run == run_) slot = (slot + 1) & mask;
    visited_[slot] = entry;
  }
}

}  // namespace sentiric::grammar
