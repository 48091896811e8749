// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/jump_threading.h"

namespace sentiric::grammar {
namespace {

class JumpResolver {
 public:
  JumpResolver(const Program& program, Pc nothing)
      : program_(program),
        nothing_(nothing),
        end_(program.code.size()),
        state_(program.code.size()) {}

  Pc Resolve(Pc pc) {
    path_.clear();
    while (IsJump(pc) && state_[pc] == State::kNew) {
      state_[pc] = State::kOpen;
      path_.push_back(pc);
      pc = program_.code[pc].next;
    }
    if (IsJump(pc)) pc = state_[pc] == State::kOpen ? nothing_ : end_[pc];
    for (const Pc jump : path_) {
      end_[jump] = pc;
      state_[jump] = State::kDone;
    }
    return pc;
  }

 private:
  enum class State : std::uint8_t { kNew, kOpen, kDone };

  bool IsJump(Pc pc) const { return program_.code[pc].op == Op::kJump; }

  const Program& program_;
  const Pc nothing_;
  std::vector<Pc> end_;  // by Pc of a jump
  std::vector<State> state_;
  std::vector<Pc> path_;
};

}  // namespace

void ThreadJumps(Pc nothing, Program* program) {
  JumpResolver jumps(*program, nothing);
  for (Instr& instr : program->code) {
    if (instr.op != Op::kJump) instr.next = jumps.Resolve(instr.next);
  }
  for (Pc& target : program->targets) target = jumps.Resolve(target);
  for (Edge& edge : program->edges) edge.target = jumps.Resolve(edge.target);
  for (Subroutine& sub : program->subs) sub.entry = jumps.Resolve(sub.entry);
}

}  // namespace sentiric::grammar
