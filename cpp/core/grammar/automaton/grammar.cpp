// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/grammar.h"

#include <utility>

namespace sentiric::grammar {

Grammar::Grammar(Program program, std::size_t max_memo_bytes)
    : program_(std::move(program)),
      max_memo_bytes_(max_memo_bytes),
      automaton_(std::make_shared<Automaton>(program_, max_memo_bytes)) {}

std::size_t Grammar::ByteSize() const { return program_.ByteSize() + automaton()->ByteSize(); }

std::shared_ptr<Automaton> Grammar::automaton() const {
  const MutexLock lock(&mutex_);
  return automaton_;
}

std::shared_ptr<Automaton> Grammar::FreshAutomaton() const {
  const MutexLock lock(&mutex_);
  if (automaton_->Full()) automaton_ = std::make_shared<Automaton>(program_, max_memo_bytes_);
  return automaton_;
}

std::shared_ptr<Automaton> Grammar::OwnAutomaton() const {
  return std::make_shared<Automaton>(program_, max_memo_bytes_);
}

}  // namespace sentiric::grammar
