// SPDX-License-Identifier: AGPL-3.0-only
// A compiled grammar: immutable, shared by all requests that use it.
#pragma once

#include <cstddef>
#include <memory>

#include "core/grammar/automaton/automaton.h"
#include "core/grammar/automaton/program.h"
#include "core/sync/mutex.h"

namespace sentiric::grammar {

// The language never changes; only the memo of visited states grows. Requests share it, so that
// each one profits from the states that others visited.
//
// Thread-safe. Matchers of one grammar share the memo's mutex: a warm step holds it for
// nanoseconds, a cold token mask for milliseconds.
class Grammar {
 public:
  static constexpr std::size_t kMaxMemoBytes = 4 * 1024 * 1024;

  explicit Grammar(Program program, std::size_t max_memo_bytes = kMaxMemoBytes);

  // Size of the program and of the current memo, which grows to a little over max_memo_bytes. An
  // older memo that a matcher still holds is not counted.
  std::size_t ByteSize() const;

  const Program& program() const { return program_; }
  // The current memo; for matchers.
  std::shared_ptr<Automaton> automaton() const;
  // The current memo, or a fresh one when the current one is full.
  std::shared_ptr<Automaton> FreshAutomaton() const;
  // A fresh memo that is not shared.
  std::shared_ptr<Automaton> OwnAutomaton() const;

 private:
  const Program program_;
  const std::size_t max_memo_bytes_;
  mutable Mutex mutex_;
  mutable std::shared_ptr<Automaton> automaton_ GUARDED_BY(mutex_);
};

}  // namespace sentiric::grammar
