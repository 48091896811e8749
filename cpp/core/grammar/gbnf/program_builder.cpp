// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf/program_builder.h"

#include <optional>
#include <utility>

#include "core/grammar/automaton/byte_classes.h"
#include "core/grammar/automaton/class_emitter.h"
#include "core/grammar/automaton/counter_use.h"
#include "core/grammar/automaton/jump_threading.h"
#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {
namespace {

// Two passes over the arena: forward, each node gets its instructions and its entry; backward,
// each node is told what follows it and tells its children.
class Builder {
 public:
  Builder(const Ast& ast, const Facts& facts, bool prune)
      : ast_(ast),
        facts_(facts),
        prune_(prune),
        class_emitter_(&program_),
        own_(ast.nodes.size()),
        entry_(ast.nodes.size()),
        next_(ast.nodes.size(), kReturnPc) {}

  BuiltProgram Build() {
    Reserve();
    for (NodeId id = 0; id < ast_.nodes.size(); ++id) Emit(id);
    for (RuleId id = 0; id < ast_.rules.size(); ++id) {
      program_.subs[id].entry = entry_[ast_.rules[id].body];
      program_.subs[id].nullable = facts_.nullable[ast_.rules[id].body];
      live_.push_back(!prune_ || facts_.productive[ast_.rules[id].body]);
    }
    for (auto id = static_cast<NodeId>(ast_.nodes.size()); id-- > 0;) Connect(id);
    ThreadJumps(kReturnPc, &program_);  // loops go through a split, so no jumps go round
    program_.classes = FindByteClasses(program_);
    program_.counters[0] = FindCounterUse(program_, 0);
    offsets_.resize(program_.code.size());
    live_.resize(program_.subs.size(), true);
    return {std::move(program_), std::move(offsets_), std::move(live_)};
  }

 private:
  void Reserve();
  void Emit(NodeId id);
  void EmitLiteral(NodeId id);
  void EmitClass(NodeId id);
  void EmitSplit(NodeId id, std::uint32_t num_targets);
  void EmitRepeat(NodeId id);
  void Connect(NodeId id);
  void ConnectChoice(NodeId id);
  void ConnectRepeat(NodeId id);

  Sub ClassSub(std::uint32_t class_id);
  Sub BodySub(NodeId body);
  // Bounds as compiled: exact for the same language, with `min` 0 when the body may be empty.
  std::pair<std::uint32_t, std::uint32_t> Bounds(const Node& node) const;
  void Own(NodeId id, Op op, std::uint32_t a = 0) {
    Instr instr;
    instr.op = op;
    instr.a = a;
    own_[id] = entry_[id] = static_cast<Pc>(program_.code.size());
    program_.code.push_back(instr);
    offsets_.resize(program_.code.size());
    offsets_.back() = ast_.nodes[id].offset;
  }

  const Ast& ast_;
  const Facts& facts_;
  const bool prune_;
  Program program_;
  std::vector<std::uint32_t> offsets_;
  std::vector<bool> live_;
  ClassEmitter class_emitter_;
  std::vector<Pc> own_;    // by node: its first instruction, where it has one
  std::vector<Pc> entry_;  // by node: where matching it begins
  std::vector<Pc> next_;   // by node: what follows it
  std::vector<std::optional<Sub>> class_subs_;
};

void Builder::Reserve() {
  program_.code.resize(2);
  program_.code[kEndPc].op = Op::kEnd;
  program_.subs.resize(ast_.rules.size());
  program_.root = ast_.root;
  class_subs_.resize(ast_.classes.size());
}

void Builder::Emit(NodeId id) {
  const Node& node = ast_.nodes[id];
  switch (node.kind) {
    case NodeKind::kLiteral: return EmitLiteral(id);
    case NodeKind::kClass: return EmitClass(id);
    case NodeKind::kRef: return Own(id, Op::kCall, node.first);
    case NodeKind::kChoice: return EmitSplit(id, node.count);
    case NodeKind::kRepeat: return EmitRepeat(id);
    case NodeKind::kSequence:
      if (node.count == 0) return Own(id, Op::kJump);
      entry_[id] = entry_[ast_.children[node.first]];
  }
}

void Builder::EmitLiteral(NodeId id) {
  const Node& node = ast_.nodes[id];
  Own(id, node.count == 0 ? Op::kJump : Op::kByte);
  for (std::uint32_t i = 0; i < node.count; ++i) {
    if (i > 0) program_.code.emplace_back();
    Instr& instr = program_.code.back();
    instr.op = Op::kByte;
    instr.first = instr.last = static_cast<std::uint8_t>(ast_.bytes[node.first + i]);
    instr.next = static_cast<Pc>(program_.code.size());
  }
}

void Builder::EmitClass(NodeId id) {
  const std::vector<CodeRange>& ranges = ast_.classes[ast_.nodes[id].first];
  if (ranges.back().last > 0x7F) return Own(id, Op::kCall, ClassSub(ast_.nodes[id].first));
  Own(id, ranges.size() == 1 ? Op::kByte : Op::kBytes);
  Instr& instr = program_.code.back();
  instr.first = static_cast<std::uint8_t>(ranges.front().first);
  instr.last = static_cast<std::uint8_t>(ranges.front().last);
  if (ranges.size() == 1) return;
  instr.a = static_cast<std::uint32_t>(program_.edges.size());
  instr.b = instr.a + static_cast<std::uint32_t>(ranges.size());
  for (CodeRange range : ranges) {
    program_.edges.push_back(
        {static_cast<std::uint8_t>(range.first), static_cast<std::uint8_t>(range.last), kReturnPc});
  }
}

Sub Builder::ClassSub(std::uint32_t class_id) {
  std::optional<Sub>& sub = class_subs_[class_id];
  if (!sub) {
    sub = static_cast<Sub>(program_.subs.size());
    program_.subs.emplace_back();
    program_.subs.back().entry = class_emitter_.Emit(ast_.classes[class_id]);
  }
  return *sub;
}

void Builder::EmitSplit(NodeId id, std::uint32_t num_targets) {
  Own(id, Op::kSplit, static_cast<std::uint32_t>(program_.targets.size()));
  program_.code.back().b = program_.code.back().a + num_targets;
  program_.targets.resize(program_.targets.size() + num_targets, kReturnPc);
}

std::pair<std::uint32_t, std::uint32_t> Builder::Bounds(const Node& node) const {
  if (prune_ && !facts_.productive[node.first]) return {0, 0};
  return {facts_.nullable[node.first] ? 0 : node.min, node.max};
}

void Builder::EmitRepeat(NodeId id) {
  const Node& node = ast_.nodes[id];
  const auto [min, max] = Bounds(node);
  if (max == 0) return Own(id, Op::kJump);
  if (max == 1 && min == 1) {
    entry_[id] = entry_[node.first];
  } else if (max == 1 || (max == kUnlimited && min <= 1)) {
    EmitSplit(id, 2);
    if (min == 1) entry_[id] = entry_[node.first];
  } else {
    Own(id, Op::kRepeat, static_cast<std::uint32_t>(program_.repeats.size()));
    program_.repeats.push_back({BodySub(node.first), min, max});
  }
}

Sub Builder::BodySub(NodeId body) {
  const Instr& instr = program_.code[entry_[body]];
  if (ast_.nodes[body].kind == NodeKind::kRef ||
      (ast_.nodes[body].kind == NodeKind::kClass && instr.op == Op::kCall)) {
    return instr.a;
  }
  program_.subs.emplace_back();
  program_.subs.back().entry = entry_[body];
  program_.subs.back().nullable = facts_.nullable[body];
  return static_cast<Sub>(program_.subs.size() - 1);
}

void Builder::Connect(NodeId id) {
  const Node& node = ast_.nodes[id];
  Instr& own = program_.code[own_[id]];
  switch (node.kind) {
    case NodeKind::kLiteral:
      program_.code[own_[id] + (node.count > 0 ? node.count - 1 : 0)].next = next_[id];
      break;
    case NodeKind::kClass:
      own.next = next_[id];
      if (own.op != Op::kBytes) break;
      for (std::uint32_t i = own.a; i < own.b; ++i) program_.edges[i].target = next_[id];
      break;
    case NodeKind::kRef: own.next = next_[id]; break;
    case NodeKind::kChoice: ConnectChoice(id); break;
    case NodeKind::kRepeat: ConnectRepeat(id); break;
    case NodeKind::kSequence:
      if (node.count == 0) own.next = next_[id];
      for (std::uint32_t i = 0; i < node.count; ++i) {
        const NodeId child = ast_.children[node.first + i];
        next_[child] = i + 1 < node.count ? entry_[ast_.children[node.first + i + 1]] : next_[id];
      }
      break;
  }
}

void Builder::ConnectChoice(NodeId id) {
  const Node& node = ast_.nodes[id];
  Instr& own = program_.code[own_[id]];
  std::uint32_t target = own.a;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    const NodeId child = ast_.children[node.first + i];
    next_[child] = next_[id];
    if (prune_ && !facts_.productive[child]) continue;
    program_.targets[target++] = entry_[child];
  }
  own.b = target;
}

void Builder::ConnectRepeat(NodeId id) {
  const Node& node = ast_.nodes[id];
  const auto [min, max] = Bounds(node);
  if (max == 1 && min == 1) {
    next_[node.first] = next_[id];
    return;
  }
  Instr& own = program_.code[own_[id]];
  own.next = next_[id];
  if (own.op != Op::kSplit) return;  // a body called as a subroutine returns
  program_.targets[own.a] = entry_[node.first];
  program_.targets[own.a + 1] = next_[id];
  next_[node.first] = max == 1 ? next_[id] : own_[id];
}

}  // namespace

BuiltProgram BuildProgram(const Ast& ast, const Facts& facts, bool prune) {
  return Builder(ast, facts, prune).Build();
}

}  // namespace sentiric::grammar
