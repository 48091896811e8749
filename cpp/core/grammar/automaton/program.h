// SPDX-License-Identifier: AGPL-3.0-only
// A compiled grammar: subroutines over bytes. A subroutine is whatever a producer wants to share or
// recurse into: a rule, the body of a counted repetition, a class of characters, a value.
//
// Each run of a subroutine has two counters, which begin at 0 and keep their values across bytes
// and calls. Between two kCount of one counter, a text takes at least one character.
//
// It also remembers texts, so that an object has no key twice: those between kKeyBegin and kKeyEnd.
// There is no call and no return between them. kKeyRoom avoids dead ends where only a finite number
// of texts can follow; where no text has begun, it counts all. A text should include a byte that
// ends it (such as a quote): otherwise each of its bytes has to be checked like an end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/grammar/regular/length_window.h"

namespace sentiric::grammar {

using Pc = std::uint32_t;   // index of an instruction
using Sub = std::uint32_t;  // index of a subroutine
inline constexpr std::size_t kNumCounters = 2;
inline constexpr std::uint32_t kMaxCount = INT32_MAX;  // the highest bound

enum class Op : std::uint8_t {
  kReturn,    // to the caller
  kEnd,       // the whole text is matched
  kJump,      // to next
  kByte,      // one byte of first..last, then next
  kBytes,     // one byte, by edges [a, b)
  kSplit,     // to each of targets [a, b)
  kCall,      // subroutine a, then next
  kRepeat,    // repeats[a], then next; uses counter 0, which must be 0 before and is 0 after it
  kCount,     // only while counter b is less than a (kUnlimited = always): adds one, then next
  kAtLeast,   // only when counter b is at least a, then next
  kReset,     // counter b becomes 0, then next
  kKeyBegin,  // begins to record a text, then next
  kKeyEnd,    // only when this run has not recorded the same text before, then next
  kKeyRoom,   // only when fewer than a of the texts recorded before begin like this one, then next
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
inline bool operator==(const Edge& x, const Edge& y) {
  return x.first == y.first && x.last == y.last && x.target == y.target;
}

struct Repetition {
  Sub body =
      0;  // takes at least one character each time; `min` is 0 if the source body can be empty
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

// Which values of a counter a program can tell apart. Empty for a counter that is not used.
struct CounterUse {
  // By Pc: index into `bounds`; 0 = the value does not matter from there on.
  std::vector<std::uint32_t> group;
  // The values that the counter may be compared with from such a place, ascending.
  std::vector<std::vector<std::uint32_t>> bounds;
};

struct Program {
  std::vector<Instr> code;  // code[kReturnPc] is kReturn, code[kEndPc] is kEnd
  std::vector<Pc> targets;
  std::vector<Edge> edges;
  std::vector<Repetition> repeats;
  std::vector<Subroutine> subs;
  ByteClasses classes;                            // set by FindByteClasses
  std::array<CounterUse, kNumCounters> counters;  // set by FindCounterUse
  Sub root = 0;
  bool has_keys = false;  // some kKeyBegin is in the code

  std::size_t ByteSize() const {
    return code.size() * sizeof(Instr) + targets.size() * sizeof(Pc) + edges.size() * sizeof(Edge) +
           repeats.size() * sizeof(Repetition) + subs.size() * sizeof(Subroutine) +
           (counters[0].group.size() + counters[1].group.size()) * sizeof(std::uint32_t) +
           sizeof(Program);
  }
};

}  // namespace sentiric::grammar
