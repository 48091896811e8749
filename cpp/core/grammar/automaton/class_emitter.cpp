// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/class_emitter.h"

namespace sentiric::grammar {
namespace {

bool IsFree(const Utf8Sequence& sequence, int from) {
  for (int i = from; i < sequence.size; ++i) {
    if (!(sequence.bytes[i] == ByteRange{0x80, 0xBF})) return false;
  }
  return true;
}

}  // namespace

Pc ClassEmitter::Emit(const std::vector<CodeRange>& ranges) {
  std::vector<Utf8Sequence> sequences;
  for (CodeRange range : ranges) SplitUtf8(range, &sequences);
  return EmitLevel(sequences.data(), sequences.data() + sequences.size(), 0);
}

// [begin, end) agree on the bytes before `depth`.
Pc ClassEmitter::EmitLevel(const Utf8Sequence* begin, const Utf8Sequence* end, int depth) {
  std::vector<Edge> edges;
  while (begin != end) {
    const ByteRange byte = begin->bytes[depth];
    const Utf8Sequence* group = begin;
    while (group != end && group->bytes[depth] == byte) ++group;
    Pc target = kReturnPc;
    if (depth < 3 && begin->size > depth + 1) {  // depth < 3 tells GCC that size is at most 4
      target = IsFree(*begin, depth + 1) ? Tail(begin->size - depth - 1)
                                         : EmitLevel(begin, group, depth + 1);
    }
    edges.push_back({byte.first, byte.last, target});
    begin = group;
  }
  Instr instr;
  instr.op = Op::kBytes;
  instr.a = static_cast<std::uint32_t>(program_.edges.size());
  instr.b = instr.a + static_cast<std::uint32_t>(edges.size());
  program_.edges.insert(program_.edges.end(), edges.begin(), edges.end());
  return Add(instr);
}

// Code for `num_bytes` continuation bytes, 1..3.
Pc ClassEmitter::Tail(int num_bytes) {
  std::optional<Pc>& tail = tails_[num_bytes - 1];
  if (!tail) {
    Instr instr;
    instr.op = Op::kByte;
    instr.first = 0x80;
    instr.last = 0xBF;
    instr.next = num_bytes == 1 ? kReturnPc : Tail(num_bytes - 1);
    tail = Add(instr);
  }
  return *tail;
}

Pc ClassEmitter::Add(const Instr& instr) {
  program_.code.push_back(instr);
  return static_cast<Pc>(program_.code.size() - 1);
}

}  // namespace sentiric::grammar
