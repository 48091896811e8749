// SPDX-License-Identifier: AGPL-3.0-only
// A compiled grammar: subroutines over bytes. A subroutine is a rule, the body of a counted
// repetition, or a class of characters longer than one byte.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/grammar/gbnf_ast.h"

namespace sentiric::grammar {

using Pc = std::uint32_t;   // index of an instruction
using Sub = std::uint32_t;  // index of a subroutine; the rules come first, under their RuleId

enum class Op : std::uint8_t {
  kReturn,  // to the caller
  kEnd,     // the whole text is matched
  kJump,    // to next
  kByte,    // one byte of first..last, then next
  kBytes,   // one byte, by edges [a, b)
  kSplit,   // to each of targets [a, b)
  kCall,    // subroutine a, then next
  kRepeat,  // repeats[a], then next
};

inline constexpr Pc kReturnPc = 0;
inline constexpr Pc kEndPc = 1;

struct Instr {
  Op op = Op::kReturn;
  std::uint8_t first = 0;
  std::uint8_t last = 0;
  Pc next = kReturnPc;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

struct Edge {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
  Pc target = kReturnPc;
};

struct Repetition {
  Sub body = 0;  // takes at least one byte each time; `min` is 0 if the source body can be empty
  std::uint32_t min = 0;
  std::uint32_t max = 0;  // kUnlimited = no bound
};

struct Subroutine {
  Pc entry = kReturnPc;
  bool nullable = false;
  // Position in an order that has callers before everything they may call without taking a byte.
  // Distinct; set by OrderCalls.
  std::uint32_t rank = 0;
};

// Bytes that no instruction distinguishes share a class.
struct ByteClasses {
  std::array<std::uint8_t, 256> of_byte{};
  std::vector<std::uint8_t> representative;  // by class
};

struct Program {
  std::vector<Instr> code;  // code[kReturnPc] is kReturn, code[kEndPc] is kEnd
  std::vector<Pc> targets;
  std::vector<Edge> edges;
  std::vector<Repetition> repeats;
  std::vector<Subroutine> subs;
  ByteClasses classes;
  Sub root = 0;

  std::size_t ByteSize() const {
    return code.size() * sizeof(Instr) + targets.size() * sizeof(Pc) + edges.size() * sizeof(Edge) +
           repeats.size() * sizeof(Repetition) + subs.size() * sizeof(Subroutine) + sizeof(Program);
  }
};

}  // namespace sentiric::grammar
