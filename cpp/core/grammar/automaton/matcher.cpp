// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/matcher.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sentiric::grammar {

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::uint64_t step_budget)
    : grammar_(std::move(grammar)),
      step_budget_(step_budget),
      automaton_(grammar_->FreshAutomaton()) {
  const MutexLock lock(automaton_->mutex());
  StepBudget budget{step_budget_};
  state_ = Checked(automaton_->Start(&budget));
  can_end_ = automaton_->CanEnd(state_);
}

bool Matcher::Accepts(std::string_view bytes) {
  if (!Refresh()) return false;
  const MutexLock lock(automaton_->mutex());
  return Walk(bytes) != kDeadState;
}

bool Matcher::Advance(std::string_view bytes) {
  if (!Refresh()) return false;
  const MutexLock lock(automaton_->mutex());
  const StateId state = Walk(bytes);
  if (state == kDeadState) return false;
  state_ = state;
  can_end_ = automaton_->CanEnd(state);
  return true;
}

std::optional<std::string> Matcher::Forced(std::size_t max_bytes) {
  if (!Refresh()) return std::nullopt;
  const MutexLock lock(automaton_->mutex());
  StepBudget budget{step_budget_};
  std::string text;
  for (StateId state = state_; text.size() < max_bytes && !automaton_->CanEnd(state);) {
    const int byte = automaton_->OnlyByte(state);
    if (byte < 0) break;
    state = Checked(automaton_->Next(state, static_cast<std::uint8_t>(byte), &budget));
    if (state == kDeadState) break;
    text.push_back(static_cast<char>(byte));
  }
  if (text.empty()) return std::nullopt;
  return text;
}

// Breadth first, by one byte of each class.
std::optional<std::string> Matcher::ShortestEnd(std::size_t max_states) {
  struct Step {
    StateId state = kDeadState;
    std::size_t before = 0;
    std::uint8_t byte = 0;
  };
  if (!Refresh()) return std::nullopt;
  const MutexLock lock(automaton_->mutex());
  StepBudget budget{step_budget_};
  std::vector<Step> steps = {{state_, 0, 0}};
  std::unordered_set<StateId> seen = {state_};
  for (std::size_t at = 0; at < steps.size() && at < max_states; ++at) {
    if (automaton_->CanEnd(steps[at].state)) {
      std::string text;
      for (std::size_t i = at; i != 0; i = steps[i].before)
        text.push_back(static_cast<char>(steps[i].byte));
      std::reverse(text.begin(), text.end());
      return text;
    }
    for (const std::uint8_t byte : automaton_->class_representatives()) {
      const StateId next = automaton_->Next(steps[at].state, byte, &budget);
      if (next == kOutOfBudget) return std::nullopt;
      if (next != kDeadState && seen.insert(next).second) steps.push_back({next, at, byte});
    }
  }
  return std::nullopt;
}

Status Matcher::error() const {
  if (!failed_) return std::nullopt;
  return Error{
      ErrorCode::kGrammarTooComplex, "grammar",
      "the grammar is too ambiguous, too deeply nested or remembers too many keys to follow; "
      "got more than " +
          std::to_string(step_budget_) + " steps in one call or " +
          std::to_string(KeyMemory::kMaxTexts) + " keys, allowed as many"};
}

bool Matcher::Refresh() {
  if (failed_ || !automaton_->Full()) return !failed_;
  PortableState state;
  {
    const MutexLock lock(automaton_->mutex());
    state = automaton_->Export(state_);
  }
  // One of its own where others have filled the shared one meanwhile.
  for (const bool is_shared : {true, false}) {
    automaton_ = is_shared ? grammar_->FreshAutomaton() : grammar_->OwnAutomaton();
    const MutexLock lock(automaton_->mutex());
    state_ = automaton_->Import(state);
    if (!automaton_->Full()) return true;
  }
  Checked(kOutOfBudget);  // a stack that fills a fresh memo would be moved again on every call
  return false;
}

StateId Matcher::Walk(std::string_view bytes) {
  StepBudget budget{step_budget_};
  StateId state = state_;
  for (std::size_t i = 0; i < bytes.size() && state != kDeadState; ++i) {
    state = Checked(automaton_->Next(state, static_cast<std::uint8_t>(bytes[i]), &budget));
  }
  return state;
}

StateId Matcher::Checked(StateId state) {
  if (state != kOutOfBudget) return state;
  failed_ = true;
  can_end_ = false;
  return kDeadState;
}

}  // namespace sentiric::grammar
