// SPDX-License-Identifier: AGPL-3.0-only
// The position of one request in its grammar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/grammar/automaton/grammar.h"
#include "core/sync/mutex.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Texts are bytes: a token may begin or end inside a character. Every accepted text can be
// continued to one that the grammar matches.
//
// Copies are independent, cheap (two pointers and a state) and share the grammar's memo. One thread
// at a time uses a matcher; different threads may use matchers of the same grammar.
class Matcher {
 public:
  // Most stack operations of one call. Memoised states cost nothing, so only a hostile grammar gets
  // this far; it takes about 50 ms.
  static constexpr std::uint64_t kStepBudget = 1'000'000;

  explicit Matcher(std::shared_ptr<const Grammar> grammar, std::uint64_t step_budget = kStepBudget);

  // Whether the text so far is complete.
  bool CanEnd() const { return can_end_; }

  // Whether `bytes` may follow; does not move. False once the matcher has failed.
  bool Accepts(std::string_view bytes);

  // Moves past `bytes`. False, without moving, when they may not follow.
  bool Advance(std::string_view bytes);

  // The bytes that must follow, up to the first choice or possible end of the text; nullopt when
  // nothing is forced. May end inside a character. Does not move.
  std::optional<std::string> Forced(std::size_t max_bytes);

  // The bytes that end the text soonest; nullopt when none of the nearest `max_states` states is an
  // end, or the budget does not suffice. Does not move, and does not fail.
  std::optional<std::string> ShortestEnd(std::size_t max_states);

  // True after a call exceeded its budget or the state alone outgrew the memo. From then on the
  // matcher accepts nothing.
  bool BudgetExceeded() const { return failed_; }
  // kGrammarTooComplex if BudgetExceeded(), else nullopt.
  Status error() const;

 private:
  friend class TokenTrie;

  // Moves to a fresh automaton if this one is full. False if the matcher has failed.
  bool Refresh();
  // The state after `bytes`.
  StateId Walk(std::string_view bytes) REQUIRES(automaton_->mutex());
  // Turns kOutOfBudget into kDeadState and sets failed_.
  StateId Checked(StateId state);

  std::shared_ptr<const Grammar> grammar_;
  std::uint64_t step_budget_;
  std::shared_ptr<Automaton> automaton_;
  StateId state_ = kDeadState;
  bool can_end_ = false;
  bool failed_ = false;
};

}  // namespace sentiric::grammar
