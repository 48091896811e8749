// SPDX-License-Identifier: AGPL-3.0-only
// The grammar as a deterministic automaton over bytes, built lazily.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/grammar/closure.h"
#include "core/grammar/frame_sets.h"
#include "core/grammar/program.h"
#include "core/sync/mutex.h"

namespace sentiric::grammar {

using StateId = std::uint32_t;
inline constexpr StateId kDeadState = 0;             // no text continues from here
inline constexpr StateId kOutOfBudget = UINT32_MAX;  // not a state: the step was not finished

// A state outside of any automaton: sets of frames, each referring to earlier sets by index; the
// last set is the state.
using PortableState = std::vector<std::vector<Frame>>;

// States are unique sets of frames, each with a row of memoised successors by byte class. Tables
// only grow: users check Full() first and move to a fresh automaton.
//
// Threads: ByteSize() and Full() at any time; everything else with mutex() held.
class Automaton {
 public:
  // `program` must outlive the automaton.
  Automaton(const Program& program, std::size_t max_bytes);

  Mutex* mutex() RETURN_CAPABILITY(mutex_) { return &mutex_; }
  std::size_t ByteSize() const { return num_bytes_.load(std::memory_order_relaxed); }
  bool Full() const { return ByteSize() > max_bytes_; }

  StateId Start(StepBudget* budget) REQUIRES(mutex_);
  // The state after one byte: kDeadState if it is not allowed, kOutOfBudget if the budget ran out.
  StateId Next(StateId state, std::uint8_t byte, StepBudget* budget) REQUIRES(mutex_) {
    const std::size_t cell = std::size_t{state} * num_classes_ + program_.classes.of_byte[byte];
    return rows_[cell] != kUnknown ? rows_[cell] : FindNext(state, cell, byte, budget);
  }
  bool CanEnd(StateId state) const REQUIRES(mutex_) { return can_end_[state]; }
  // The only byte that can follow, or -1 when there are none or several. Ignores CanEnd.
  int OnlyByte(StateId state) const REQUIRES(mutex_);

  // A state that accepts exactly the same texts of up to `num_bytes` bytes. Repetition counts that
  // cannot matter within them are made equal, so states that differ only in those share it.
  StateId Horizon(StateId state, std::uint32_t num_bytes) REQUIRES(mutex_);

  PortableState Export(StateId state) const REQUIRES(mutex_);
  StateId Import(const PortableState& state) REQUIRES(mutex_);

 private:
  static constexpr StateId kUnknown = UINT32_MAX - 1;

  StateId FindNext(StateId state, std::size_t cell, std::uint8_t byte, StepBudget* budget)
      REQUIRES(mutex_);
  StateId StateOf(SetId waiting) REQUIRES(mutex_);
  SetId HorizonSet(SetId set, std::uint32_t num_bytes) REQUIRES(mutex_);
  bool HorizonOfCallers(SetId set, std::vector<SetId>* todo) const REQUIRES(mutex_);
  Frame HorizonFrame(const Frame& frame, std::uint32_t num_bytes) const REQUIRES(mutex_);
  void UpdateByteSize() REQUIRES(mutex_);

  const Program& program_;
  const std::size_t max_bytes_;
  const std::size_t num_classes_;
  std::atomic<std::size_t> num_bytes_{0};

  Mutex mutex_;
  FrameSets sets_ GUARDED_BY(mutex_);
  Closure closure_ GUARDED_BY(mutex_);
  std::vector<StateId> rows_ GUARDED_BY(mutex_);        // by state and byte class
  std::vector<SetId> set_of_state_ GUARDED_BY(mutex_);  // frames that wait for a byte or the end
  std::vector<bool> can_end_ GUARDED_BY(mutex_);        // by state
  std::unordered_map<SetId, StateId> state_of_set_ GUARDED_BY(mutex_);
  StateId start_ GUARDED_BY(mutex_) = kUnknown;
  std::unordered_map<SetId, SetId> horizon_sets_ GUARDED_BY(mutex_);
  std::uint32_t horizon_bytes_ GUARDED_BY(mutex_) = 0;  // for which horizon_sets_ was filled
};

}  // namespace sentiric::grammar
