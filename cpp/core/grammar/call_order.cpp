// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/call_order.h"

#include <algorithm>
#include <string>

#include "core/grammar/gbnf_scanner.h"

namespace sentiric::grammar {
namespace {

struct LeadingCall {
  Sub callee = 0;
  Pc pc = 0;
};

// Walks the leading calls depth first, with a stack of its own.
class CallOrder {
 public:
  CallOrder(std::string_view text, const Ast& ast, const Limits& limits, BuiltProgram* built)
      : text_(text),
        ast_(ast),
        limits_(limits),
        built_(*built),
        subs_(built->program.subs),
        seen_(built->program.code.size()),
        color_(subs_.size()),
        chain_(subs_.size()),
        next_rank_(static_cast<std::uint32_t>(subs_.size())) {}

  Status Run() {
    for (Sub sub = 0; sub < subs_.size(); ++sub) {
      if (color_[sub] != Color::kNew || !built_.live[sub]) continue;
      Open(sub);
      while (!stack_.empty()) {
        Status error = stack_.back().calls.empty() ? Close() : Follow();
        if (error) return error;
      }
    }
    return std::nullopt;
  }

 private:
  enum class Color : std::uint8_t { kNew, kOpen, kDone };
  struct Visit {
    Sub sub = 0;
    std::vector<LeadingCall> calls;  // not followed yet
  };

  void Open(Sub sub) {
    color_[sub] = Color::kOpen;
    stack_.push_back({sub, FindLeadingCalls(sub)});
  }

  Status Follow() {
    const LeadingCall call = stack_.back().calls.back();
    stack_.back().calls.pop_back();
    if (color_[call.callee] == Color::kNew) {
      Open(call.callee);
    } else if (color_[call.callee] == Color::kOpen) {
      return LeftRecursion(call);
    } else {
      Extend(stack_.back().sub, call.callee);
    }
    return std::nullopt;
  }

  Status Close() {
    const Sub sub = stack_.back().sub;
    stack_.pop_back();
    color_[sub] = Color::kDone;
    subs_[sub].rank = --next_rank_;
    if (sub < ast_.rules.size() && ++chain_[sub] > limits_.chain) {
      return GrammarError(
          text_, ast_.rules[sub].offset,
          "too many rules are entered in a row before any character; got more than " +
              std::to_string(limits_.chain) + " from " + QuoteName(ast_.rules[sub].name) +
              ", allowed " + std::to_string(limits_.chain));
    }
    if (!stack_.empty()) Extend(stack_.back().sub, sub);
    return std::nullopt;
  }

  void Extend(Sub caller, Sub callee) { chain_[caller] = std::max(chain_[caller], chain_[callee]); }

  Error LeftRecursion(const LeadingCall& call) const {
    // The body of a repetition has no name; report the innermost open rule of the cycle instead.
    std::string name = call.callee < ast_.rules.size() ? ast_.rules[call.callee].name : "";
    for (auto visit = stack_.rbegin(); name.empty() && visit != stack_.rend(); ++visit) {
      if (visit->sub < ast_.rules.size()) name = ast_.rules[visit->sub].name;
    }
    return GrammarError(
        text_, built_.offsets[call.pc],
        "left recursion; got " + QuoteName(name) +
            ", which refers to itself before any character, allowed recursion after at "
            "least one character");
  }

  // Walks one subroutine like the closure does at run time (see closure.h).
  std::vector<LeadingCall> FindLeadingCalls(Sub sub) {
    const Program& program = built_.program;
    std::vector<LeadingCall> calls;
    std::vector<Pc> todo = {subs_[sub].entry};
    while (!todo.empty()) {
      const Pc pc = todo.back();
      todo.pop_back();
      if (pc <= kEndPc || seen_[pc]) continue;  // instructions belong to one subroutine
      seen_[pc] = true;
      const Instr& instr = program.code[pc];
      if (instr.op == Op::kSplit) {
        todo.insert(todo.end(), program.targets.begin() + instr.a,
                    program.targets.begin() + instr.b);
      } else if (instr.op == Op::kCall) {
        calls.push_back({instr.a, pc});
        if (subs_[instr.a].nullable) todo.push_back(instr.next);
      } else if (instr.op == Op::kRepeat) {
        calls.push_back({program.repeats[instr.a].body, pc});
        if (program.repeats[instr.a].min == 0) todo.push_back(instr.next);
      }
    }
    return calls;
  }

  const std::string_view text_;
  const Ast& ast_;
  const Limits& limits_;
  BuiltProgram& built_;
  std::vector<Subroutine>& subs_;
  std::vector<bool> seen_;            // by Pc
  std::vector<Color> color_;          // by Sub
  std::vector<std::uint32_t> chain_;  // by Sub: rules in the longest chain that begins here
  std::vector<Visit> stack_;
  std::uint32_t next_rank_;
};

}  // namespace

Status OrderCalls(std::string_view text, const Ast& ast, const Limits& limits,
                  BuiltProgram* built) {
  return CallOrder(text, ast, limits, built).Run();
}

}  // namespace sentiric::grammar
