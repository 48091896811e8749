// SPDX-License-Identifier: AGPL-3.0-only
// The grammar as a deterministic automaton over bytes, built lazily.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/grammar/automaton/byte_groups.h"
#include "core/grammar/automaton/class_leaders.h"
#include "core/grammar/automaton/closure.h"
#include "core/grammar/automaton/frame_sets.h"
#include "core/grammar/automaton/program.h"
#include "core/sync/mutex.h"

namespace sentiric::grammar {

using StateId = std::uint32_t;
inline constexpr StateId kDeadState = 0;             // no text continues from here
inline constexpr StateId kOutOfBudget = UINT32_MAX;  // not a state: the step was not finished

// A state outside of any automaton: sets of frames, each referring to earlier sets and to memories
// by index plus 1; the last set is the state.
struct PortableState {
  std::vector<std::vector<Frame>> sets;
  std::vector<PortableMemory> memories;
};

// What a state does with whole groups of characters.
struct GroupStep {
  static constexpr std::size_t kMaxExceptions = 6;

  StateId next = kDeadState;  // where each character of `groups` leads
  GroupSet groups = 0;        // none of them ends a key
  GroupSet most = 0;          // the same, but a few ASCII characters are exceptions
  GroupSet refused = 0;       // groups of which no character is allowed
  std::array<std::uint8_t, kMaxExceptions> exceptions{};
  std::uint8_t num_exceptions = 0;
};

// States are unique sets of frames, each with a row of memoised successors by byte class. Tables
// only grow: users check Full() first and move to a fresh automaton.
//
// States that record a text have no memo: bytes of one class are different texts.
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
    return rows_[cell] != kUnknown ? rows_[cell] : FindNext(state, byte, budget);
  }
  // A step that many groups share.
  GroupStep StepByGroups(StateId state, StepBudget* budget) REQUIRES(mutex_);
  // Whether many bytes may follow; otherwise, a step by groups is of little use.
  bool AcceptsMany(StateId state) const REQUIRES(mutex_);
  bool CanEnd(StateId state) const REQUIRES(mutex_) { return can_end_[state]; }
  // One byte of each class of bytes that the program does not tell apart.
  const std::vector<std::uint8_t>& class_representatives() const {
    return program_.classes.representative;
  }
  // The only byte that can follow, or -1 when there are none or several. Ignores CanEnd.
  int OnlyByte(StateId state) const REQUIRES(mutex_);

  // A state that accepts exactly the same texts of up to `size` characters, except that it forgets
  // all keys, so it also accepts those that repeat one. Counts that cannot matter within them are
  // frozen, so states that differ only in those share it.
  StateId Horizon(StateId state, std::uint32_t size) REQUIRES(mutex_);

  // How this state was reached; states that differ only in that are kept apart.
  KeyCheck key_check(StateId state) const REQUIRES(mutex_) { return key_check_[state]; }
  // Whether a key is remembered here or in a caller.
  bool HasKeys(StateId state) REQUIRES(mutex_);
  // Whether the first kKeyEnd or kKeyRoom after one more byte can refuse; may be wrong only with
  // true.
  bool MayRefuse(StateId state, std::uint8_t byte) REQUIRES(mutex_);

  PortableState Export(StateId state) const REQUIRES(mutex_);
  StateId Import(const PortableState& state) REQUIRES(mutex_);

 private:
  static constexpr StateId kUnknown = UINT32_MAX - 1;
  static constexpr ClassLeaders::Index kNoLeaders = UINT32_MAX;

  StateId FindNext(StateId state, std::uint8_t byte, StepBudget* budget) REQUIRES(mutex_);
  // Not memoised.
  StateId Step(StateId state, std::uint8_t byte, StepBudget* budget) REQUIRES(mutex_);
  ClassLeaders::Index LeadersOf(StateId state) REQUIRES(mutex_);
  StateId StateOf(SetId waiting, KeyCheck key_check) REQUIRES(mutex_);
  bool IsRecording(SetId set) const REQUIRES(mutex_);
  bool KeysIn(SetId set) REQUIRES(mutex_);
  bool KeysAt(const Frame& frame) const REQUIRES(mutex_);
  SetId HorizonSet(SetId set, std::uint32_t size) REQUIRES(mutex_);
  Frame HorizonFrame(Frame frame, std::uint32_t size) const;
  void UpdateByteSize() REQUIRES(mutex_);

  const Program& program_;
  const std::size_t max_bytes_;
  const std::size_t num_classes_;
  std::atomic<std::size_t> num_bytes_{0};

  Mutex mutex_;
  FrameSets sets_ GUARDED_BY(mutex_);
  KeyMemory memory_ GUARDED_BY(mutex_);
  Closure closure_ GUARDED_BY(mutex_);
  ClassLeaders leaders_ GUARDED_BY(mutex_);
  std::vector<Pc> instructions_ GUARDED_BY(mutex_);     // scratch
  std::vector<StateId> rows_ GUARDED_BY(mutex_);        // by state and byte class
  std::vector<SetId> set_of_state_ GUARDED_BY(mutex_);  // frames that wait for a byte or the end
  std::vector<ClassLeaders::Index> leaders_of_state_ GUARDED_BY(mutex_);
  std::vector<bool> can_end_ GUARDED_BY(mutex_);           // by state
  std::vector<bool> is_recording_ GUARDED_BY(mutex_);      // by state
  std::vector<KeyCheck> key_check_ GUARDED_BY(mutex_);     // by state
  std::vector<GroupStep> group_steps_ GUARDED_BY(mutex_);  // by state, for some
  std::vector<bool> has_group_step_ GUARDED_BY(mutex_);    // by state
  std::vector<bool> keys_in_ GUARDED_BY(mutex_);           // by set, for the first sets
  std::unordered_map<std::uint64_t, StateId> states_ GUARDED_BY(mutex_);  // by set and key check
  StateId start_ GUARDED_BY(mutex_) = kUnknown;
  // By number of characters, of which there are few, and set.
  std::unordered_map<std::uint32_t, std::unordered_map<SetId, SetId>> horizon_sets_
      GUARDED_BY(mutex_);
  std::size_t num_horizon_sets_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sentiric::grammar
