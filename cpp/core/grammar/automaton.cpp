// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton.h"

#include <algorithm>

namespace sentiric::grammar {
namespace {

// Approximate size of a hash map node: key, value, link, and overhead of the allocator.
constexpr std::size_t kMapEntryBytes = 40;

// The target of an instruction that waits for a byte; false = it does not accept the byte.
bool FindTarget(const Program& program, const Instr& instr, std::uint8_t byte, Pc* target) {
  if (instr.op == Op::kByte) {
    *target = instr.next;
    return instr.first <= byte && byte <= instr.last;
  }
  if (instr.op != Op::kBytes) return false;
  for (std::uint32_t i = instr.a; i < instr.b; ++i) {
    const Edge& edge = program.edges[i];
    if (edge.first <= byte && byte <= edge.last) {
      *target = edge.target;
      return true;
    }
  }
  return false;
}

}  // namespace

Automaton::Automaton(const Program& program, std::size_t max_bytes)
    : program_(program),
      max_bytes_(max_bytes),
      num_classes_(program.classes.representative.size()),
      closure_(program, &sets_) {
  StateOf(0);  // kDeadState
  std::fill(rows_.begin(), rows_.end(), kDeadState);
}

StateId Automaton::Start(StepBudget* budget) {
  if (start_ != kUnknown) return start_;
  closure_.AddRoot();
  SetId waiting = 0;
  if (!closure_.Run(budget, &waiting)) return kOutOfBudget;
  return start_ = StateOf(waiting);
}

StateId Automaton::FindNext(StateId state, std::size_t cell, std::uint8_t byte,
                            StepBudget* budget) {
  const SetId from = set_of_state_[state];
  if (!budget->Take(sets_.size(from))) return kOutOfBudget;
  for (const Frame* frame = sets_.begin(from); frame != sets_.end(from); ++frame) {
    Pc target = kReturnPc;
    if (FindTarget(program_, program_.code[frame->pc], byte, &target))
      closure_.Add({target, 0, frame->callers});
  }
  SetId waiting = 0;
  if (!closure_.Run(budget, &waiting)) return kOutOfBudget;
  const StateId next = StateOf(waiting);
  rows_[cell] = next;
  return next;
}

StateId Automaton::StateOf(SetId waiting) {
  const auto added = state_of_set_.emplace(waiting, static_cast<StateId>(set_of_state_.size()));
  if (added.second) {
    rows_.resize(rows_.size() + num_classes_, kUnknown);
    set_of_state_.push_back(waiting);
    can_end_.push_back(sets_.size(waiting) > 0 && sets_.begin(waiting)->pc == kEndPc);  // sorted
    UpdateByteSize();
  }
  return added.first->second;
}

void Automaton::UpdateByteSize() {
  num_bytes_.store(sets_.ByteSize() + rows_.capacity() * sizeof(StateId) +
                       set_of_state_.capacity() * sizeof(SetId) +
                       (state_of_set_.size() + horizon_sets_.size()) * kMapEntryBytes,
                   std::memory_order_relaxed);
}

int Automaton::OnlyByte(StateId state) const {
  int only = -1;
  const auto see = [&only](std::uint8_t first, std::uint8_t last) {
    const bool same = first == last && (only == -1 || only == first);
    only = first;
    return same;
  };
  const SetId set = set_of_state_[state];
  for (const Frame* frame = sets_.begin(set); frame != sets_.end(set); ++frame) {
    const Instr& instr = program_.code[frame->pc];
    if (instr.op == Op::kByte && !see(instr.first, instr.last)) return -1;
    if (instr.op != Op::kBytes) continue;
    for (std::uint32_t i = instr.a; i < instr.b; ++i) {
      if (!see(program_.edges[i].first, program_.edges[i].last)) return -1;
    }
  }
  return only;
}

StateId Automaton::Horizon(StateId state, std::uint32_t num_bytes) {
  if (program_.repeats.empty()) return state;
  if (horizon_bytes_ != num_bytes) {
    horizon_sets_.clear();
    horizon_bytes_ = num_bytes;
  }
  return StateOf(HorizonSet(set_of_state_[state], num_bytes));
}

SetId Automaton::HorizonSet(SetId set, std::uint32_t num_bytes) {
  std::vector<SetId> todo = {set};
  std::vector<Frame> frames;
  while (!todo.empty()) {
    const SetId top = todo.back();
    if (horizon_sets_.count(top) == 0) {
      if (!HorizonOfCallers(top, &todo)) continue;
      frames.assign(sets_.begin(top), sets_.end(top));
      for (Frame& frame : frames) frame = HorizonFrame(frame, num_bytes);
      horizon_sets_[top] = sets_.Intern(&frames);
    }
    todo.pop_back();
  }
  return horizon_sets_[set];
}

// Whether all sets that `set` refers to are done; appends the others to `todo`.
bool Automaton::HorizonOfCallers(SetId set, std::vector<SetId>* todo) const {
  const std::size_t num_before = todo->size();
  for (const Frame* frame = sets_.begin(set); frame != sets_.end(set); ++frame) {
    if (frame->callers != 0 && horizon_sets_.count(frame->callers) == 0)
      todo->push_back(frame->callers);
  }
  return todo->size() == num_before;
}

// Each repetition takes at least a byte, so within the horizon the count grows by at most
// num_bytes.
Frame Automaton::HorizonFrame(const Frame& frame, std::uint32_t num_bytes) const {
  Frame result = frame;
  if (frame.callers != 0) result.callers = horizon_sets_.at(frame.callers);
  if (program_.code[frame.pc].op != Op::kRepeat || frame.count == 0) return result;
  const Repetition& repeat = program_.repeats[program_.code[frame.pc].a];
  const bool far_from_max = repeat.max == kUnlimited || repeat.max - frame.count > num_bytes;
  if (frame.count >= repeat.min) {
    if (far_from_max) result.count = std::max(repeat.min, std::uint32_t{1});
  } else if (repeat.min - frame.count > num_bytes) {
    result.count = 1;
  }
  return result;
}

PortableState Automaton::Export(StateId state) const {
  std::vector<SetId> needed = {set_of_state_[state]};
  std::unordered_map<SetId, SetId> index = {{needed.front(), 0}};
  for (std::size_t i = 0; i < needed.size(); ++i) {
    for (const Frame* frame = sets_.begin(needed[i]); frame != sets_.end(needed[i]); ++frame) {
      if (frame->callers != 0 && index.emplace(frame->callers, 0).second)
        needed.push_back(frame->callers);
    }
  }
  std::sort(needed.begin(),
            needed.end());  // a set refers to smaller ids only; the state is last
  PortableState result;
  for (SetId set : needed) {
    result.emplace_back(sets_.begin(set), sets_.end(set));
    for (Frame& frame : result.back()) {
      if (frame.callers != 0) frame.callers = index[frame.callers] + 1;
    }
    index[set] = static_cast<SetId>(result.size() - 1);
  }
  return result;
}

StateId Automaton::Import(const PortableState& state) {
  std::vector<SetId> sets;
  for (const std::vector<Frame>& exported : state) {
    std::vector<Frame> frames = exported;
    for (Frame& frame : frames) {
      if (frame.callers != 0) frame.callers = sets[frame.callers - 1];
    }
    sets.push_back(sets_.Intern(&frames));
  }
  return StateOf(sets.back());
}

}  // namespace sentiric::grammar
