// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/program_writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/grammar/automaton/byte_classes.h"
#include "core/grammar/automaton/call_order.h"
#include "core/grammar/automaton/counter_use.h"
#include "core/grammar/automaton/jump_threading.h"

namespace sentiric::grammar {
namespace {

constexpr CodePoint kLastAscii = 0x7F;

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29);
}

Error GrammarError(std::string what) {
  return {ErrorCode::kInvalidGrammar, "grammar", std::move(what)};
}

Error ErrorOf(const CallProblem& problem, std::uint32_t max_chain) {
  switch (problem.kind) {
    case CallProblem::Kind::kLeftRecursion:
      return GrammarError(
          "left recursion; got a value that refers to itself before any character, allowed "
          "recursion after at least one character");
    case CallProblem::Kind::kLongChain:
      return GrammarError(
          "too many parts are entered in a row before any character; got more than " +
          std::to_string(max_chain) + ", allowed " + std::to_string(max_chain));
    case CallProblem::Kind::kTooMuchWork: break;
  }
  return GrammarError("too many parts begin with the same long choice");
}

// Sorts the edges and joins those that touch and have one target.
std::vector<Edge> Joined(std::vector<Edge> edges) {
  const auto by_byte = [](const Edge& x, const Edge& y) { return x.first < y.first; };
  if (!std::is_sorted(edges.begin(), edges.end(), by_byte))
    std::sort(edges.begin(), edges.end(), by_byte);
  std::size_t size = 0;
  for (const Edge& edge : edges) {
    const bool touches =
        size > 0 && edges[size - 1].target == edge.target && edge.first <= edges[size - 1].last + 1;
    if (touches) {
      edges[size - 1].last = std::max(edges[size - 1].last, edge.last);
    } else {
      edges[size++] = edge;
    }
  }
  edges.resize(size);
  return edges;
}

}  // namespace

std::uint64_t ProgramWriter::Hash(Pc pc) const {
  const Instr& instr = program_.code[pc];
  std::uint64_t hash = Mix(std::uint64_t{instr.next} << 32 | instr.a,
                           std::uint64_t{static_cast<std::uint8_t>(instr.op)} << 16 |
                               std::uint64_t{instr.first} << 8 | instr.last);
  if (instr.op == Op::kSplit) {
    hash = 1;
    for (std::uint32_t i = instr.a; i < instr.b; ++i) hash = Mix(hash, program_.targets[i]);
  } else if (instr.op == Op::kBytes) {
    hash = 2;
    for (std::uint32_t i = instr.a; i < instr.b; ++i) {
      const Edge& edge = program_.edges[i];
      hash = Mix(hash, std::uint64_t{edge.target} << 16 | std::uint64_t{edge.first} << 8 |
                           std::uint64_t{edge.last});
    }
  }
  return hash;
}

bool ProgramWriter::AreEqual(Pc pc_x, Pc pc_y) const {
  const Instr& x = program_.code[pc_x];
  const Instr& y = program_.code[pc_y];
  if (x.op != y.op) return false;
  if (x.op == Op::kSplit) {
    const auto targets = program_.targets.begin();
    return std::equal(targets + x.a, targets + x.b, targets + y.a, targets + y.b);
  }
  if (x.op == Op::kBytes) {
    const auto edges = program_.edges.begin();
    return std::equal(edges + x.a, edges + x.b, edges + y.a, edges + y.b);
  }
  return x.first == y.first && x.last == y.last && x.next == y.next && x.a == y.a && x.b == y.b;
}

ProgramWriter::ProgramWriter(const ProgramLimits& limits)
    : limits_(limits), known_(1024, kReturnPc) {
  program_.code.resize(2);
  program_.code[kEndPc].op = Op::kEnd;
}

std::size_t ProgramWriter::num_elements() const {
  return program_.code.size() + program_.edges.size() + program_.targets.size() +
         program_.subs.size();
}

Pc ProgramWriter::Add(const Instr& instr) {
  full_ = full_ || num_elements() >= limits_.elements;
  if (full_) return kReturnPc;
  program_.code.push_back(instr);
  return static_cast<Pc>(program_.code.size() - 1);
}

Pc ProgramWriter::AddShared(const Instr& instr) {
  const Pc pc = Add(instr);
  if (pc == kReturnPc) return pc;
  Pc* const known = FindKnown(pc);
  if (*known != kReturnPc) {
    program_.code.pop_back();
    return *known;
  }
  *known = pc;
  if (++num_known_ * 2 > known_.size()) GrowKnown();
  return pc;
}

// Where an equal instruction stands in the table, or could.
Pc* ProgramWriter::FindKnown(Pc pc) {
  const std::size_t mask = known_.size() - 1;  // the size is a power of two
  std::size_t place = static_cast<std::size_t>(Hash(pc)) & mask;
  while (known_[place] != kReturnPc && !AreEqual(known_[place], pc)) place = (place + 1) & mask;
  return &known_[place];
}

void ProgramWriter::GrowKnown() {
  const std::vector<Pc> old = std::exchange(known_, std::vector<Pc>(2 * known_.size(), kReturnPc));
  for (const Pc pc : old) {
    if (pc != kReturnPc) *FindKnown(pc) = pc;
  }
}

Pc ProgramWriter::Byte(ByteRange range, Pc next) {
  Instr instr;
  instr.op = Op::kByte;
  instr.first = range.first;
  instr.last = range.last;
  instr.next = next;
  return AddShared(instr);
}

Pc ProgramWriter::Bytes(std::vector<Edge> edges) {
  edges = Joined(std::move(edges));
  if (edges.empty()) return Nothing();
  if (edges.size() == 1) return Byte({edges[0].first, edges[0].last}, edges[0].target);
  const std::size_t first = program_.edges.size();
  program_.edges.insert(program_.edges.end(), edges.begin(), edges.end());
  Instr instr;
  instr.op = Op::kBytes;
  instr.a = static_cast<std::uint32_t>(first);
  instr.b = static_cast<std::uint32_t>(program_.edges.size());
  const std::size_t num_before = program_.code.size();
  const Pc pc = AddShared(instr);
  if (program_.code.size() == num_before) program_.edges.resize(first);
  return pc;
}

Pc ProgramWriter::Split(std::vector<Pc> targets) {
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  if (targets.size() == 1) return targets.front();
  const std::size_t first = program_.targets.size();
  program_.targets.insert(program_.targets.end(), targets.begin(), targets.end());
  Instr instr;
  instr.op = Op::kSplit;
  instr.a = static_cast<std::uint32_t>(first);
  instr.b = static_cast<std::uint32_t>(program_.targets.size());
  const std::size_t num_before = program_.code.size();
  const Pc pc = AddShared(instr);
  if (program_.code.size() == num_before) program_.targets.resize(first);
  return pc;
}

Pc ProgramWriter::Text(std::string_view text, Pc next) {
  for (std::size_t i = text.size(); i-- > 0;) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    next = Byte({byte, byte}, next);
  }
  return next;
}

Pc ProgramWriter::Chars(const std::vector<CodeRange>& ranges, Pc next) {
  std::vector<Edge> edges;
  std::vector<CodeRange> wide;
  for (const CodeRange range : ranges) {
    if (range.first <= kLastAscii) {
      edges.push_back({static_cast<std::uint8_t>(range.first),
                       static_cast<std::uint8_t>(std::min(range.last, kLastAscii)), next});
    }
    if (range.last > kLastAscii)
      wide.push_back({std::max(range.first, kLastAscii + 1), range.last});
  }
  if (!wide.empty()) AddWideChars(std::move(wide), next, &edges);
  return Bytes(std::move(edges));
}

void ProgramWriter::AddWideChars(std::vector<CodeRange> ranges, Pc next, std::vector<Edge>* edges) {
  if (wide_.next != next || wide_.ranges != ranges) {
    std::vector<Utf8Sequence> sequences;
    for (const CodeRange range : ranges) SplitUtf8(range, &sequences);
    wide_.edges = CharsLevel(sequences.data(), sequences.data() + sequences.size(), 0, next);
    wide_.ranges = std::move(ranges);
    wide_.next = next;
  }
  edges->insert(edges->end(), wide_.edges.begin(), wide_.edges.end());
}

// [begin, end) agree on the bytes before `depth`. As deep as a character has bytes.
std::vector<Edge> ProgramWriter::CharsLevel(const Utf8Sequence* begin, const Utf8Sequence* end,
                                            int depth, Pc next) {
  std::vector<Edge> edges;
  while (begin != end) {
    const ByteRange byte = begin->bytes[depth];
    const Utf8Sequence* group = begin;
    while (group != end && group->bytes[depth] == byte) ++group;
    Pc target = next;
    if (depth < 3 && begin->size > depth + 1)
      target = Bytes(CharsLevel(begin, group, depth + 1, next));
    edges.push_back({byte.first, byte.last, target});
    begin = group;
  }
  return edges;
}

Pc ProgramWriter::Count(std::uint32_t counter, std::uint32_t max, Pc next) {
  return AddStep(Op::kCount, max > kMaxCount ? kUnlimited : max, counter, next);
}

Pc ProgramWriter::AtLeast(std::uint32_t counter, std::uint32_t min, Pc next) {
  if (min > kMaxCount) return Nothing();
  return min == 0 ? next : AddStep(Op::kAtLeast, min, counter, next);
}

Pc ProgramWriter::Reset(std::uint32_t counter, Pc next) {
  return AddStep(Op::kReset, 0, counter, next);
}

Pc ProgramWriter::Repeat(const Repetition& repetition, Pc next) {
  if (repetition.max == 0) return next;
  program_.repeats.push_back(repetition);
  return AddStep(Op::kRepeat, static_cast<std::uint32_t>(program_.repeats.size() - 1), 0, next);
}

Pc ProgramWriter::KeyBegin(Pc next) {
  program_.has_keys = true;
  return AddStep(Op::kKeyBegin, 0, 0, next);
}

Pc ProgramWriter::KeyEnd(Pc next) { return AddStep(Op::kKeyEnd, 0, 0, next); }

Pc ProgramWriter::KeyRoom(std::uint32_t num_texts, Pc next) {
  return AddStep(Op::kKeyRoom, num_texts, 0, next);
}

Pc ProgramWriter::AddStep(Op op, std::uint32_t a, std::uint32_t b, Pc next) {
  Instr instr;
  instr.op = op;
  instr.next = next;
  instr.a = a;
  instr.b = b;
  return AddShared(instr);
}

Sub ProgramWriter::NewSub() {
  full_ = full_ || num_elements() >= limits_.elements;
  if (!full_ || program_.subs.empty()) program_.subs.emplace_back();
  return static_cast<Sub>(program_.subs.size() - 1);
}

void ProgramWriter::SetEntry(Sub sub, Pc entry, bool nullable) {
  program_.subs[sub].entry = entry;
  program_.subs[sub].nullable = nullable;
}

Pc ProgramWriter::Call(Sub sub, Pc next) { return AddStep(Op::kCall, sub, 0, next); }

Pc ProgramWriter::Reserve() {
  Instr instr;
  instr.op = Op::kJump;
  instr.next = static_cast<Pc>(program_.code.size());  // a circle
  return Add(instr);
}

void ProgramWriter::Bind(Pc reserved, Pc target) {
  if (reserved != kReturnPc) program_.code[reserved].next = target;
}

Result<Program> ProgramWriter::Finish(Sub root) {
  const Pc nothing = Nothing();
  known_.clear();
  Program program = std::exchange(program_, {});
  if (full_) {
    const std::string limit = std::to_string(limits_.elements);
    return GrammarError("the grammar is too large; got more than " + limit + " elements, allowed " +
                        limit);
  }
  ThreadJumps(nothing, &program);
  program.root = root;
  const auto num_subs = static_cast<std::uint32_t>(program.subs.size());
  const std::vector<bool> live(num_subs, true);
  if (const auto problem = OrderCalls(num_subs, limits_.chain, live, &program))
    return ErrorOf(*problem, limits_.chain);
  program.classes = FindByteClasses(program);
  for (std::size_t i = 0; i < kNumCounters; ++i) program.counters[i] = FindCounterUse(program, i);
  return program;
}

}  // namespace sentiric::grammar
