// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/copy_program.h"

#include <utility>
#include <vector>

namespace sentiric::grammar {
namespace {

class Copier {
 public:
  Copier(const Program& program, ProgramWriter* writer) : program_(program), writer_(*writer) {}

  Sub Run() {
    for (std::size_t i = 0; i < program_.subs.size(); ++i) subs_.push_back(writer_.NewSub());
    for (Pc pc = 0; pc < program_.code.size(); ++pc)
      places_.push_back(pc <= kEndPc ? kReturnPc : writer_.Reserve());
    for (Pc pc = kEndPc + 1; pc < program_.code.size() && !writer_.Full(); ++pc)
      writer_.Bind(places_[pc], Copy(program_.code[pc]));
    for (std::size_t i = 0; i < program_.subs.size(); ++i) {
      const Subroutine& sub = program_.subs[i];
      writer_.SetEntry(subs_[i], places_[sub.entry], sub.nullable);
    }
    return subs_[program_.root];
  }

 private:
  Pc Copy(const Instr& instr) {
    const Pc next = places_[instr.next];
    switch (instr.op) {
      case Op::kReturn:
      case Op::kEnd: return kReturnPc;
      case Op::kJump: return next;
      case Op::kByte: return writer_.Byte({instr.first, instr.last}, next);
      case Op::kBytes: return writer_.Bytes(EdgesOf(instr));
      case Op::kSplit: return writer_.Split(TargetsOf(instr));
      case Op::kCall: return writer_.Call(subs_[instr.a], next);
      case Op::kRepeat: return writer_.Repeat(RepetitionOf(instr), next);
      case Op::kCount: return writer_.Count(instr.b, instr.a, next);
      case Op::kAtLeast: return writer_.AtLeast(instr.b, instr.a, next);
      case Op::kReset: return writer_.Reset(instr.b, next);
      case Op::kKeyBegin: return writer_.KeyBegin(next);
      case Op::kKeyEnd: return writer_.KeyEnd(next);
      case Op::kKeyRoom: break;
    }
    return writer_.KeyRoom(instr.a, next);
  }

  std::vector<Edge> EdgesOf(const Instr& instr) const {
    std::vector<Edge> edges;
    for (std::uint32_t i = instr.a; i < instr.b; ++i) {
      Edge edge = program_.edges[i];
      edge.target = places_[edge.target];
      edges.push_back(edge);
    }
    return edges;
  }

  std::vector<Pc> TargetsOf(const Instr& instr) const {
    std::vector<Pc> targets;
    for (std::uint32_t i = instr.a; i < instr.b; ++i)
      targets.push_back(places_[program_.targets[i]]);
    return targets;
  }

  Repetition RepetitionOf(const Instr& instr) const {
    Repetition repetition = program_.repeats[instr.a];
    repetition.body = subs_[repetition.body];
    return repetition;
  }

  const Program& program_;
  ProgramWriter& writer_;
  std::vector<Sub> subs_;   // by the old ones
  std::vector<Pc> places_;  // by the old ones
};

}  // namespace

Sub CopyProgram(const Program& program, ProgramWriter* writer) {
  return Copier(program, writer).Run();
}

}  // namespace sentiric::grammar
