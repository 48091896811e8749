// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/automaton.h"

#include <algorithm>

#include "core/grammar/automaton/group_step.h"

namespace sentiric::grammar {
namespace {

// Approximate size of a hash map node: key, value, link, and overhead of the allocator.
constexpr std::size_t kMapEntryBytes = 40;

// Each step of a counter takes a character, so within the horizon the count grows by at most
// `size`. Unless it can reach a bound, only the bounds below it matter, and it need not count.
std::uint32_t HorizonCount(const std::vector<std::uint32_t>& bounds, std::uint32_t count,
                           std::uint32_t size) {
  const auto above = std::upper_bound(bounds.begin(), bounds.end(), count);
  if (above != bounds.end() && *above - count <= size) return count;
  return kFrozen | (above == bounds.begin() ? 0 : *(above - 1));
}

}  // namespace

Automaton::Automaton(const Program& program, std::size_t max_bytes)
    : program_(program),
      max_bytes_(max_bytes),
      num_classes_(program.classes.representative.size()),
      closure_(program, &sets_, &memory_),
      leaders_(program) {
  StateOf(0, KeyCheck::kNone);  // kDeadState
  std::fill(rows_.begin(), rows_.end(), kDeadState);
}

StateId Automaton::Start(StepBudget* budget) {
  if (start_ != kUnknown) return start_;
  closure_.AddRoot();
  SetId waiting = 0;
  if (!closure_.Run(budget, &waiting)) return kOutOfBudget;
  return start_ = StateOf(waiting, closure_.key_check());
}

StateId Automaton::FindNext(StateId state, std::uint8_t byte, StepBudget* budget) {
  if (is_recording_[state]) return Step(state, byte, budget);
  const std::size_t row = std::size_t{state} * num_classes_;
  const std::uint8_t byte_class = program_.classes.of_byte[byte];
  const std::uint8_t leader = leaders_.Of(LeadersOf(state), byte_class);
  StateId next = rows_[row + leader];
  if (next == kUnknown) next = Step(state, byte, budget);
  if (next == kOutOfBudget) return next;
  rows_[row + byte_class] = rows_[row + leader] = next;
  return next;
}

ClassLeaders::Index Automaton::LeadersOf(StateId state) {
  ClassLeaders::Index& index = leaders_of_state_[state];
  if (index != kNoLeaders) return index;
  instructions_.clear();
  const SetId set = set_of_state_[state];
  for (const Frame* frame = sets_.begin(set); frame != sets_.end(set); ++frame) {
    if (instructions_.empty() || instructions_.back() != frame->pc)
      instructions_.push_back(frame->pc);
  }
  return index = leaders_.Find(instructions_);
}

StateId Automaton::Step(StateId state, std::uint8_t byte, StepBudget* budget) {
  const SetId from = set_of_state_[state];
  if (!budget->Take(sets_.size(from))) return kOutOfBudget;
  for (const Frame* frame = sets_.begin(from); frame != sets_.end(from); ++frame) {
    Pc target = kReturnPc;
    if (!FindTarget(program_, program_.code[frame->pc], byte, &target)) continue;
    Frame moved = *frame;
    moved.pc = target;
    if (program_.has_keys && frame->memory != kErased)
      moved.memory = memory_.Take(frame->memory, byte);
    closure_.Add(moved);
  }
  SetId waiting = 0;
  if (!closure_.Run(budget, &waiting)) return kOutOfBudget;
  return StateOf(waiting, closure_.key_check());
}

GroupStep Automaton::StepByGroups(StateId state, StepBudget* budget) {
  if (state < has_group_step_.size() && has_group_step_[state]) return group_steps_[state];
  const GroupStep step = FindGroupStep(this, state, budget);
  if (has_group_step_.size() <= state) {
    has_group_step_.resize(set_of_state_.size());
    group_steps_.resize(set_of_state_.size());
  }
  has_group_step_[state] = true;
  return group_steps_[state] = step;
}

StateId Automaton::StateOf(SetId waiting, KeyCheck key_check) {
  if (waiting == 0 && !set_of_state_.empty()) return kDeadState;
  const std::uint64_t key = std::uint64_t{waiting} << 8 | static_cast<std::uint8_t>(key_check);
  const auto added = states_.emplace(key, static_cast<StateId>(set_of_state_.size()));
  if (added.second) {
    rows_.resize(rows_.size() + num_classes_, kUnknown);
    set_of_state_.push_back(waiting);
    leaders_of_state_.push_back(kNoLeaders);
    can_end_.push_back(sets_.size(waiting) > 0 && sets_.begin(waiting)->pc == kEndPc);  // sorted
    is_recording_.push_back(program_.has_keys && IsRecording(waiting));
    key_check_.push_back(key_check);
    UpdateByteSize();
  }
  return added.first->second;
}

bool Automaton::IsRecording(SetId set) const {
  for (const Frame* frame = sets_.begin(set); frame != sets_.end(set); ++frame) {
    if (frame->memory != kErased && memory_.IsRecording(frame->memory)) return true;
  }
  return false;
}

void Automaton::UpdateByteSize() {
  num_bytes_.store(sets_.ByteSize() + rows_.capacity() * sizeof(StateId) +
                       set_of_state_.capacity() * (sizeof(SetId) + sizeof(ClassLeaders::Index)) +
                       leaders_.ByteSize() + group_steps_.capacity() * sizeof(GroupStep) +
                       (states_.size() + num_horizon_sets_) * kMapEntryBytes + memory_.ByteSize(),
                   std::memory_order_relaxed);
}

bool Automaton::AcceptsMany(StateId state) const {
  constexpr int kMany = 12;  // more than the digits
  int num_bytes = 0;
  const SetId set = set_of_state_[state];
  for (const Frame* frame = sets_.begin(set); frame != sets_.end(set) && num_bytes < kMany;
       ++frame) {
    const Instr& instr = program_.code[frame->pc];
    if (instr.op == Op::kByte) num_bytes += instr.last - instr.first + 1;
    if (instr.op != Op::kBytes) continue;
    for (std::uint32_t i = instr.a; i < instr.b; ++i)
      num_bytes += program_.edges[i].last - program_.edges[i].first + 1;
  }
  return num_bytes >= kMany;
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

bool Automaton::KeysAt(const Frame& frame) const {
  return keys_in_[frame.callers] || (frame.memory != kErased && memory_.HasTexts(frame.memory));
}

// A set refers only to smaller ones, so one pass in order finds them all.
bool Automaton::KeysIn(SetId set) {
  if (keys_in_.empty()) keys_in_.push_back(false);
  for (auto id = static_cast<SetId>(keys_in_.size()); id <= set; ++id) {
    bool found = false;
    for (const Frame* frame = sets_.begin(id); frame != sets_.end(id) && !found; ++frame)
      found = KeysAt(*frame);
    keys_in_.push_back(found);
  }
  return keys_in_[set];
}

bool Automaton::HasKeys(StateId state) { return program_.has_keys && KeysIn(set_of_state_[state]); }

bool Automaton::MayRefuse(StateId state, std::uint8_t byte) {
  const SetId set = set_of_state_[state];
  if (!KeysIn(set)) return false;
  for (const Frame* frame = sets_.begin(set); frame != sets_.end(set); ++frame) {
    Pc target = kReturnPc;
    if (!FindTarget(program_, program_.code[frame->pc], byte, &target)) continue;
    const bool records = frame->memory != kErased && memory_.IsRecording(frame->memory);
    if (records ? memory_.MayRepeat(frame->memory, byte) : KeysAt(*frame)) return true;
  }
  return false;
}

StateId Automaton::Horizon(StateId state, std::uint32_t size) {
  if (program_.counters[0].group.empty() && program_.counters[1].group.empty() &&
      !program_.has_keys) {
    return state;
  }
  return StateOf(HorizonSet(set_of_state_[state], size), KeyCheck::kNone);
}

SetId Automaton::HorizonSet(SetId set, std::uint32_t size) {
  std::unordered_map<SetId, SetId>& known = horizon_sets_[size];
  std::vector<SetId> todo = {set};
  std::vector<Frame> frames;
  while (!todo.empty()) {
    const SetId top = todo.back();
    const std::size_t num_before = todo.size();
    for (const Frame* frame = sets_.begin(top); frame != sets_.end(top); ++frame) {
      if (frame->callers != 0 && known.count(frame->callers) == 0) todo.push_back(frame->callers);
    }
    if (todo.size() > num_before) continue;
    todo.pop_back();
    if (known.count(top) != 0) continue;
    frames.assign(sets_.begin(top), sets_.end(top));
    for (Frame& frame : frames) {
      if (frame.callers != 0) frame.callers = known.at(frame.callers);
      frame = HorizonFrame(frame, size);
    }
    known[top] = sets_.Intern(&frames);
    ++num_horizon_sets_;
  }
  return known[set];
}

Frame Automaton::HorizonFrame(Frame frame, std::uint32_t size) const {
  if (program_.has_keys) frame.memory = kErased;
  for (std::size_t i = 0; i < kNumCounters; ++i) {
    const CounterUse& use = program_.counters[i];
    if (use.group.empty() || use.group[frame.pc] == 0) continue;
    frame.counts[i] = HorizonCount(use.bounds[use.group[frame.pc]], frame.counts[i], size);
  }
  return frame;
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
  std::unordered_map<MemoryId, MemoryId> memories;
  for (SetId set : needed) {
    result.sets.emplace_back(sets_.begin(set), sets_.end(set));
    for (Frame& frame : result.sets.back()) {
      if (frame.callers != 0) frame.callers = index[frame.callers] + 1;
      if (frame.memory == kNoMemory || frame.memory == kErased) continue;
      const auto next = static_cast<MemoryId>(result.memories.size() + 1);
      const auto added = memories.emplace(frame.memory, next);
      if (added.second) result.memories.push_back(memory_.Export(frame.memory));
      frame.memory = added.first->second;
    }
    index[set] = static_cast<SetId>(result.sets.size() - 1);
  }
  return result;
}

StateId Automaton::Import(const PortableState& state) {
  std::vector<MemoryId> memories;
  for (const PortableMemory& memory : state.memories) memories.push_back(memory_.Import(memory));
  std::vector<SetId> sets;
  for (const std::vector<Frame>& exported : state.sets) {
    std::vector<Frame> frames = exported;
    for (Frame& frame : frames) {
      if (frame.callers != 0) frame.callers = sets[frame.callers - 1];
      if (frame.memory != kNoMemory && frame.memory != kErased)
        frame.memory = memories[frame.memory - 1];
    }
    sets.push_back(sets_.Intern(&frames));
  }
  return StateOf(sets.back(), KeyCheck::kNone);
}

}  // namespace sentiric::grammar
