// SPDX-License-Identifier: AGPL-3.0-only
// Which lengths the texts of an automaton have, and how a counter of characters enforces a window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/length_window.h"
#include "core/grammar/regular/text_set.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// By state, a set of lengths. From some length on, all repeat with one period.
class LengthSets {
 public:
  // Number of characters from the start to the state, and from the state to an acceptance.
  // nullopt when the states times the lengths until everything repeats are too many.
  static std::optional<LengthSets> ToStates(const Dfa& dfa);
  static std::optional<LengthSets> FromStates(const Dfa& dfa);

  bool Has(DfaState state, std::uint64_t length) const { return rows_[Row(length)][state]; }

  // The nearest length that is not below (above) `length`.
  std::optional<std::uint64_t> NotBelow(DfaState state, std::uint64_t length) const;
  std::optional<std::uint64_t> NotAbove(DfaState state, std::uint64_t length) const;

  std::size_t first_repeated() const { return rows_.size() - period_; }
  std::size_t period() const { return period_; }

 private:
  using Neighbours = std::vector<std::vector<DfaState>>;
  static std::optional<LengthSets> Follow(std::vector<bool> row, const Neighbours& neighbours);
  std::size_t Row(std::uint64_t length) const;

  std::vector<std::vector<bool>> rows_;  // by length, then by state
  std::size_t period_ = 1;               // the last `period_` rows repeat for ever
};

// An automaton with a counter of the characters read so far. The language is exact, and from every
// state and count that can be reached the end can be reached.
struct CountedDfa {
  Dfa texts;
  // By state: it may be entered when the count, including the character that leads to it, is in
  // here. {0, unlimited} = no test. The start is always entered, with the count 0.
  std::vector<LengthWindow> enter;
  // By accepting state: the text may end there from this count on. 0 = no test.
  std::vector<std::uint32_t> accept_min;

  bool HasTests() const;
};

// Without tests.
CountedDfa Uncounted(Dfa texts);

// kInvalidGrammar when one window per state cannot express the lengths, and there are too many
// states to do without a counter.
Result<CountedDfa> Counted(const TextSet& set);

}  // namespace sentiric::grammar
