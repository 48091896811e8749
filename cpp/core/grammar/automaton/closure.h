// SPDX-License-Identifier: AGPL-3.0-only
// Finds all places where a program waits for a byte, from the places it has reached.
//
// A call does not copy the stack: all calls of a subroutine at one position of the text share one
// set of callers, so ambiguous grammars cost polynomial instead of exponential work. A subroutine
// must therefore know all its callers before it is entered, so subroutines are entered in the order
// of their ranks. A subroutine that can match nothing is also stepped over at the call; a return
// without a byte taken adds nothing then and is dropped, which makes repeating an empty item
// harmless. A call in tail position passes on the caller's callers, so right recursion does not
// grow stacks.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "core/grammar/automaton/frame_sets.h"
#include "core/grammar/automaton/program.h"

namespace sentiric::grammar {

// Stack operations that are left to one call of the matcher.
struct StepBudget {
  std::uint64_t left = 0;
  bool Take(std::uint64_t steps) {
    const bool enough = steps <= left;
    left = enough ? left - steps : 0;
    return enough;
  }
};

// Whether the way to a state passed kKeyEnd or kKeyRoom, and whether one of them refused.
enum class KeyCheck : std::uint8_t { kNone, kPassed, kRefused };

// Scratch space, reused for each run. Not thread-safe.
class Closure {
 public:
  Closure(const Program& program, FrameSets* sets, KeyMemory* memory);

  // Adds a place reached after taking a byte.
  void Add(const Frame& frame) {
    if (frame.memory == kErased) initial_memory_ = kErased;
    Push(frame);
  }
  // Enters the root subroutine, which returns at the end of the text.
  void AddRoot();
  // Turns the added places into the set of frames that wait for a byte (kByte, kBytes) or for the
  // end of the text (kEnd). False when the budget or the memory for keys ran out. Either way the
  // added places are cleared.
  bool Run(StepBudget* budget, SetId* waiting);
  // What the last run met.
  KeyCheck key_check() const { return key_check_; }

 private:
  // Callers of one subroutine, collected until it is entered.
  struct Callers {
    std::vector<Frame> frames;
    std::vector<SetId> sets;  // from calls in tail position
  };
  struct VisitedSlot {
    Frame frame;
    std::uint32_t run = 0;
  };

  void Push(Frame frame);
  void ForgetCounts(Frame* frame) const;
  bool IsNew(const Frame& frame);
  void GrowVisited();
  bool Drain(StepBudget* budget, bool entering);
  void Step(const Frame& frame, bool entering, StepBudget* budget);
  void StepRepeat(const Instr& instr, const Frame& frame);
  void StepCounter(const Instr& instr, Frame frame);
  void StepKey(const Instr& instr, Frame frame, StepBudget* budget);
  void Call(Sub sub, const Frame& return_to);
  SetId TakeCallers(Callers* callers, StepBudget* budget);
  void Clear();

  const Program& program_;
  FrameSets& sets_;
  KeyMemory& memory_;
  std::vector<Sub> by_rank_;
  std::vector<Callers> callers_;  // by rank
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> pending_;  // ranks
  std::vector<Frame> todo_;
  std::vector<Frame> waiting_;
  std::vector<VisitedSlot> visited_;  // open addressing; a slot of an earlier run is free
  std::size_t num_visited_ = 0;
  std::uint32_t run_ = 1;
  MemoryId initial_memory_ = kNoMemory;  // of a subroutine; kErased if that of the places is
  KeyCheck key_check_ = KeyCheck::kNone;
};

}  // namespace sentiric::grammar
