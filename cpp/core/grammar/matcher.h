// SPDX-License-Identifier: AGPL-3.0-only
// Where one request stands in its grammar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/grammar/grammar.h"
#include "core/sync/mutex.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Texts are bytes: a token may begin or end inside a character. Every text accepted so far can be
// continued to one that the grammar matches.
//
// Copies are independent, cheap (two pointers and a state) and share the grammar's memo. One thread
// at a time per matcher; matchers of one grammar may be used on different threads.
class Matcher {
 public:
  // Stack operations one call may cost. Known states cost nothing, so only a hostile grammar
  // reaches this; it takes some 50 ms.
  static constexpr std::uint64_t kStepBudget = 1'000'000;

  explicit Matcher(std::shared_ptr<const Grammar> grammar, std::uint64_t step_budget = kStepBudget);

  // Whether the text so far is a whole text of the grammar.
  bool CanEnd() const { return can_end_; }

  // Whether `bytes` may follow. Does not move. False as well once the matcher has failed.
  bool Accepts(std::string_view bytes);

  // Moves past `bytes`; false and not moved when they may not follow.
  bool Advance(std::string_view bytes);

  // What must follow, byte for byte, up to the first place where there is a choice or where the
  // text may end; nullopt when nothing is forced. May end inside a character. Does not move.
  std::optional<std::string> Forced(std::size_t max_bytes);

  // A call ran out of its budget, or the state alone outgrew the memo: the matcher accepts nothing
  // more, for ever.
  bool BudgetExceeded() const { return failed_; }
  // kGrammarTooComplex after that, nullopt before.
  Status error() const;

 private:
  friend class TokenTrie;

  // Moves to a fresh automaton when this one is full. False when the matcher has failed.
  bool Refresh();
  // The state after `bytes`.
  StateId Walk(std::string_view bytes) REQUIRES(automaton_->mutex());
  // kDeadState and failed_ for kOutOfBudget.
  StateId Checked(StateId state);

  std::shared_ptr<const Grammar> grammar_;
  std::uint64_t step_budget_;
  std::shared_ptr<Automaton> automaton_;
  StateId state_ = kDeadState;
  bool can_end_ = false;
  bool failed_ = false;
};

}  // namespace sentiric::grammar
