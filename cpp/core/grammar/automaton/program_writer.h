// SPDX-License-Identifier: AGPL-3.0-only
// Writes a program, from its end to its beginning: each instruction is told what follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/grammar/automaton/program.h"
#include "core/grammar/regular/code_points.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

struct ProgramLimits {
  std::size_t elements = 1'500'000;  // instructions, edges, targets and subroutines
  std::uint32_t chain = 100'000;     // subroutines entered in a row before any byte
};

// Equal instructions are written once, also across subroutines, so whatever ends alike shares its
// code. Beyond the limit of elements nothing is written any more and Finish() fails; Full() tells a
// producer to stop earlier. One thread at a time.
class ProgramWriter {
 public:
  explicit ProgramWriter(const ProgramLimits& limits = {});
  ProgramWriter(const ProgramWriter&) = delete;
  ProgramWriter& operator=(const ProgramWriter&) = delete;

  // The end of every subroutine is `kReturnPc`.
  Pc Nothing() { return Split({}); }  // no text continues from here
  Pc Byte(ByteRange range, Pc next);
  Pc Bytes(std::vector<Edge> edges);  // disjoint
  Pc Text(std::string_view text, Pc next);
  Pc Chars(const std::vector<CodeRange>& ranges, Pc next);  // normalised; the UTF-8 of one of them
  Pc Split(std::vector<Pc> targets);
  // See program.h for counters; `counter` is less than kNumCounters. No text gets as far as a bound
  // above kMaxCount.
  Pc Count(std::uint32_t counter, std::uint32_t max, Pc next);
  Pc AtLeast(std::uint32_t counter, std::uint32_t min, Pc next);
  Pc Reset(std::uint32_t counter, Pc next);
  // See kRepeat and Repetition; at counter 0, at the beginning of a subroutine. Only `next` when at
  // most none is allowed.
  Pc Repeat(const Repetition& repetition, Pc next);
  // See program.h for keys. There is one spelling for each text that must not be repeated.
  Pc KeyBegin(Pc next);
  Pc KeyEnd(Pc next);
  // num_texts: how many texts can still be completed from here.
  Pc KeyRoom(std::uint32_t num_texts, Pc next);

  Sub NewSub();
  // nullable: whether the subroutine, with its counters at 0, can return without a byte.
  void SetEntry(Sub sub, Pc entry, bool nullable);
  Pc Call(Sub sub, Pc next);

  // An instruction whose meaning is given later: for loops. Unless it is bound, it is Nothing().
  Pc Reserve();
  void Bind(Pc reserved, Pc target);

  bool Full() const { return full_; }

  // Errors: kInvalidGrammar at "grammar" when a limit is exceeded or a subroutine can enter itself
  // before any byte. Ends the use of the writer.
  Result<Program> Finish(Sub root);

 private:
  Pc Add(const Instr& instr);
  Pc AddShared(const Instr& instr);
  Pc AddStep(Op op, std::uint32_t a, std::uint32_t b, Pc next);
  std::vector<Edge> CharsLevel(const Utf8Sequence* begin, const Utf8Sequence* end, int depth,
                               Pc next);
  void AddWideChars(std::vector<CodeRange> ranges, Pc next, std::vector<Edge>* edges);
  std::uint64_t Hash(Pc pc) const;
  bool AreEqual(Pc x, Pc y) const;
  Pc* FindKnown(Pc pc);
  void GrowKnown();
  std::size_t num_elements() const;

  const ProgramLimits limits_;
  Program program_;
  std::vector<Pc> known_;  // a hash table of the shared instructions; kReturnPc = free
  std::size_t num_known_ = 0;
  // The last characters above ASCII. States one after the other often have the same.
  struct WideChars {
    std::vector<CodeRange> ranges;
    Pc next = kReturnPc;
    std::vector<Edge> edges;
  };
  WideChars wide_;
  bool full_ = false;
};

}  // namespace sentiric::grammar
