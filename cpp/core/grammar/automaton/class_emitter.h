// SPDX-License-Identifier: AGPL-3.0-only
// Emits instructions that match one character of a class.
#pragma once

#include <optional>
#include <vector>

#include "core/grammar/automaton/program.h"
#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

// Emits the trie of a set of UTF-8 sequences. All classes share the tails of a character that
// accept any continuation bytes.
class ClassEmitter {
 public:
  explicit ClassEmitter(Program* program) : program_(*program) {}

  // Returns the entry of the emitted code.
  Pc Emit(const std::vector<CodeRange>& ranges);

 private:
  Pc EmitLevel(const Utf8Sequence* begin, const Utf8Sequence* end, int depth);
  Pc Tail(int num_bytes);
  Pc Add(const Instr& instr);

  Program& program_;
  std::optional<Pc> tails_[3];
};

}  // namespace sentiric::grammar
