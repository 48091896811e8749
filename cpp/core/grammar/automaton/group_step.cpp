// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/group_step.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kNumGroups = kNumAsciiGroups + 1;

// The characters of each group.
struct Groups {
  Groups() {
    for (std::uint8_t byte = 0; byte < 0x80; ++byte) {
      Utf8Sequence character;
      character.bytes[0] = {byte, byte};
      character.size = 1;
      members[GroupOf(byte)].push_back(character);
    }
    for (const CodeRange range : Normalize({{0x80, kMaxCodePoint}}))
      SplitUtf8(range, &members[kNumAsciiGroups]);
  }
  std::array<std::vector<Utf8Sequence>, kNumGroups> members;
};

class Finder {
 public:
  Finder(Automaton* automaton, StateId state, StepBudget* budget)
      : automaton_(*automaton), state_(state), budget_(*budget) {}

  GroupStep Find() REQUIRES(automaton_.mutex()) {
    static const Groups groups;
    const StateId after_long = After(groups.members[kNumAsciiGroups]);
    for (std::uint8_t byte = 0; byte < 0x80; ++byte) after_[byte] = Next(state_, byte);
    step_.next = MostCommon(after_long);
    for (std::size_t g = 0; g < kNumAsciiGroups; ++g) AddGroup(g, groups.members[g]);
    if (after_long == kDeadState) step_.refused |= kLongCharacters;
    if (step_.next == kDeadState || after_long != step_.next) return step_;
    step_.groups |= kLongCharacters;
    step_.most |= kLongCharacters;
    return step_;
  }

 private:
  static constexpr StateId kNone = kOutOfBudget - 1;

  // kOutOfBudget also when the byte ends a key.
  StateId Next(StateId state, std::uint8_t byte) REQUIRES(automaton_.mutex()) {
    const StateId next = automaton_.Next(state, byte, &budget_);
    if (next == kOutOfBudget || automaton_.key_check(next) == KeyCheck::kNone) return next;
    return kOutOfBudget;
  }

  // Where every one of the characters leads; kOutOfBudget when they differ.
  StateId After(const std::vector<Utf8Sequence>& characters) REQUIRES(automaton_.mutex()) {
    StateId common = kNone;
    for (const Utf8Sequence& character : characters) {
      if (!Walk(state_, character, 0, &common)) return kOutOfBudget;
    }
    return common;
  }

  // As deep as a character has bytes.
  bool Walk(StateId state, const Utf8Sequence& character, int depth, StateId* common)
      REQUIRES(automaton_.mutex()) {
    if (depth > 3 || depth == character.size || state == kDeadState) {  // 3: tells GCC the bound
      if (*common == kNone) *common = state;
      return *common == state;
    }
    const ByteRange range = character.bytes[depth];
    StateId before = kNone;
    for (std::uint32_t byte = range.first; byte <= range.last; ++byte) {
      const StateId next = Next(state, static_cast<std::uint8_t>(byte));
      if (next == before) continue;
      before = next;
      if (next == kOutOfBudget || !Walk(next, character, depth + 1, common)) return false;
    }
    return true;
  }

  // Of the states after a character.
  StateId MostCommon(StateId after_long) const {
    std::array<StateId, 0x80> sorted = after_;
    std::sort(sorted.begin(), sorted.end());
    StateId best = after_long == kOutOfBudget ? kDeadState : after_long;
    std::ptrdiff_t most = 0;
    for (auto begin = sorted.begin(); begin != sorted.end();) {
      const auto end = std::upper_bound(begin, sorted.end(), *begin);
      if (*begin != kDeadState && *begin != kOutOfBudget && end - begin > most) {
        most = end - begin;
        best = *begin;
      }
      begin = end;
    }
    return best;
  }

  void AddGroup(std::size_t g, const std::vector<Utf8Sequence>& members) {
    const GroupSet group = GroupSet{1} << g;
    std::size_t num_dead = 0;
    std::vector<std::uint8_t> others;
    for (const Utf8Sequence& member : members) {
      const std::uint8_t byte = member.bytes[0].first;
      num_dead += after_[byte] == kDeadState;
      if (after_[byte] != step_.next) others.push_back(byte);
    }
    if (num_dead == members.size()) step_.refused |= group;
    if (step_.next == kDeadState || others.size() == members.size() ||
        step_.num_exceptions + others.size() > GroupStep::kMaxExceptions) {
      return;
    }
    if (others.empty()) step_.groups |= group;
    step_.most |= group;
    for (const std::uint8_t byte : others) step_.exceptions[step_.num_exceptions++] = byte;
  }

  Automaton& automaton_;
  const StateId state_;
  StepBudget& budget_;
  std::array<StateId, 0x80> after_{};  // by ASCII character
  GroupStep step_;
};

}  // namespace

// The analysis does not see that the automaton of the finder is the one whose mutex is held.
GroupStep FindGroupStep(Automaton* automaton, StateId state,
                        StepBudget* budget) NO_THREAD_SAFETY_ANALYSIS {
  return Finder(automaton, state, budget).Find();
}

}  // namespace sentiric::grammar
