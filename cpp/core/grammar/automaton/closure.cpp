// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/closure.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sentiric::grammar {
namespace {

// Beyond the highest bound the count does not matter.
std::uint32_t AddOne(const CounterUse& use, Pc pc, std::uint32_t count) {
  if ((count & kFrozen) != 0) return count;
  if (use.group.empty() || use.group[pc] == 0) return 0;
  return std::min(count + 1, use.bounds[use.group[pc]].back());
}

Frame Moved(Frame frame, Pc pc) {
  frame.pc = pc;
  return frame;
}

}  // namespace

Closure::Closure(const Program& program, FrameSets* sets, KeyMemory* memory)
    : program_(program),
      sets_(*sets),
      memory_(*memory),
      by_rank_(program.subs.size()),
      callers_(program.subs.size()),
      visited_(256) {
  for (Sub sub = 0; sub < program.subs.size(); ++sub) by_rank_[program.subs[sub].rank] = sub;
}

void Closure::AddRoot() {
  Frame end;
  end.pc = kEndPc;
  Call(program_.root, end);
  if (program_.subs[program_.root].nullable) Push(end);
}

bool Closure::Run(StepBudget* budget, SetId* waiting) {
  key_check_ = KeyCheck::kNone;
  *waiting = 0;
  if (todo_.empty() && pending_.empty()) return true;
  bool within = Drain(budget, false);
  while (within && !pending_.empty()) {
    const std::uint32_t rank = pending_.top();
    pending_.pop();
    const SetId callers = TakeCallers(&callers_[rank], budget);
    Push({program_.subs[by_rank_[rank]].entry, {}, initial_memory_, callers});
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
  initial_memory_ = kNoMemory;
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
    case Op::kJump: Push(Moved(frame, instr.next)); break;
    case Op::kSplit:
      budget->Take(instr.b - instr.a);
      for (std::uint32_t i = instr.a; i < instr.b; ++i) Push(Moved(frame, program_.targets[i]));
      break;
    case Op::kCall:
      Call(instr.a, Moved(frame, instr.next));
      if (program_.subs[instr.a].nullable) Push(Moved(frame, instr.next));
      break;
    case Op::kCount:
    case Op::kAtLeast:
    case Op::kReset: StepCounter(instr, frame); break;
    case Op::kKeyBegin:
    case Op::kKeyEnd:
    case Op::kKeyRoom: StepKey(instr, Moved(frame, instr.next), budget); break;
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
  const std::uint32_t count = frame.counts[0] & ~kFrozen;
  Frame next = Moved(frame, instr.next);
  next.counts[0] = 0;
  if (count >= repeat.min) Push(next);
  if (repeat.max != kUnlimited && count + 1 >= repeat.max) return Call(repeat.body, next);
  Frame again = frame;
  // Without an upper bound, the count does not matter beyond the lower one.
  if (count == frame.counts[0])
    again.counts[0] = repeat.max == kUnlimited ? std::min(count + 1, repeat.min) : count + 1;
  Call(repeat.body, again);
}

void Closure::StepCounter(const Instr& instr, Frame frame) {
  std::uint32_t& count = frame.counts[instr.b];
  if (instr.op == Op::kReset) {
    count = 0;
  } else if (instr.op == Op::kAtLeast) {
    if ((count & ~kFrozen) < instr.a) return;
  } else {
    if (instr.a != kUnlimited && (count & ~kFrozen) >= instr.a) return;
    count = AddOne(program_.counters[instr.b], frame.pc, count);
  }
  Push(Moved(frame, instr.next));
}

// `frame` is where to go on, with the memory of before.
void Closure::StepKey(const Instr& instr, Frame frame, StepBudget* budget) {
  if (instr.op != Op::kKeyBegin) key_check_ = std::max(key_check_, KeyCheck::kPassed);
  if (frame.memory == kErased) return Push(frame);
  if (instr.op == Op::kKeyBegin) {
    frame.memory = memory_.Begin(frame.memory);
    return Push(frame);
  }
  std::optional<MemoryId> after = frame.memory;
  if (instr.op == Op::kKeyEnd) {
    budget->Take(memory_.RecordedBytes(frame.memory));
    after = memory_.End(frame.memory);
  } else if (memory_.NumContinuations(frame.memory) >= instr.a) {
    after.reset();
  }
  if (!after) {
    key_check_ = KeyCheck::kRefused;
    return;
  }
  if (memory_.OverLimit(*after)) budget->left = 0;
  frame.memory = *after;
  Push(frame);
}

void Closure::Call(Sub sub, const Frame& return_to) {
  const std::uint32_t rank = program_.subs[sub].rank;
  Callers& callers = callers_[rank];
  if (callers.frames.empty() && callers.sets.empty()) pending_.push(rank);
  if (return_to.pc == kReturnPc) {
    callers.sets.push_back(return_to.callers);
  } else {
    callers.frames.push_back(return_to);
    ForgetCounts(&callers.frames.back());
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

// Counts that do not matter any more would keep equal places apart.
void Closure::ForgetCounts(Frame* frame) const {
  for (std::size_t i = 0; i < kNumCounters; ++i) {
    if (frame->counts[i] != 0 && program_.counters[i].group[frame->pc] == 0) frame->counts[i] = 0;
  }
}

void Closure::Push(Frame frame) {
  ForgetCounts(&frame);
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
