// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/call_order.h"

#include <algorithm>

namespace sentiric::grammar {
namespace {

// Subroutines may share code, which is walked once for each.
constexpr std::size_t kMaxSteps = 50'000'000;

struct LeadingCall {
  Sub callee = 0;
  Pc pc = 0;
};

// Whether the matcher can go on to `next` without a byte and without a call.
bool StepsOn(Op op) {
  switch (op) {
    case Op::kJump:
    case Op::kCount:
    case Op::kAtLeast:
    case Op::kReset:
    case Op::kKeyBegin:
    case Op::kKeyEnd:
    case Op::kKeyRoom: return true;
    default: return false;
  }
}

// Walks the leading calls depth first, with a stack of its own.
class CallOrder {
 public:
  CallOrder(std::uint32_t num_named, std::uint32_t max_chain, const std::vector<bool>& live,
            Program* program)
      : num_named_(num_named),
        max_chain_(max_chain),
        live_(live),
        program_(*program),
        subs_(program->subs),
        seen_by_(program->code.size()),
        color_(subs_.size()),
        chain_(subs_.size()),
        next_rank_(static_cast<std::uint32_t>(subs_.size())) {}

  std::optional<CallProblem> Run() {
    for (Sub sub = 0; sub < subs_.size(); ++sub) {
      if (color_[sub] != Color::kNew || !live_[sub]) continue;
      Open(sub);
      while (!stack_.empty()) {
        const auto problem = stack_.back().calls.empty() ? Close() : Follow();
        if (problem) return problem;
        if (num_steps_ > kMaxSteps) return CallProblem{CallProblem::Kind::kTooMuchWork, sub, 0};
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

  std::optional<CallProblem> Follow() {
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

  std::optional<CallProblem> Close() {
    const Sub sub = stack_.back().sub;
    stack_.pop_back();
    color_[sub] = Color::kDone;
    subs_[sub].rank = --next_rank_;
    if (sub < num_named_ && ++chain_[sub] > max_chain_)
      return CallProblem{CallProblem::Kind::kLongChain, sub, 0};
    if (!stack_.empty()) Extend(stack_.back().sub, sub);
    return std::nullopt;
  }

  void Extend(Sub caller, Sub callee) { chain_[caller] = std::max(chain_[caller], chain_[callee]); }

  // The body of a repetition has no name; names the innermost open subroutine that has one.
  CallProblem LeftRecursion(const LeadingCall& call) const {
    CallProblem problem = {CallProblem::Kind::kLeftRecursion, call.callee, call.pc};
    for (auto visit = stack_.rbegin(); problem.sub >= num_named_ && visit != stack_.rend(); ++visit)
      problem.sub = visit->sub;
    return problem;
  }

  // Walks one subroutine like the closure does at run time (see closure.h).
  std::vector<LeadingCall> FindLeadingCalls(Sub sub) {
    std::vector<LeadingCall> calls;
    std::vector<Pc> todo = {subs_[sub].entry};
    while (!todo.empty()) {
      const Pc pc = todo.back();
      todo.pop_back();
      if (pc <= kEndPc || seen_by_[pc] == sub + 1) continue;
      seen_by_[pc] = sub + 1;
      ++num_steps_;
      const Instr& instr = program_.code[pc];
      if (instr.op == Op::kSplit) {
        num_steps_ += instr.b - instr.a;
        todo.insert(todo.end(), program_.targets.begin() + instr.a,
                    program_.targets.begin() + instr.b);
      } else if (StepsOn(instr.op)) {
        todo.push_back(instr.next);
      } else if (instr.op == Op::kCall) {
        calls.push_back({instr.a, pc});
        if (subs_[instr.a].nullable) todo.push_back(instr.next);
      } else if (instr.op == Op::kRepeat) {
        calls.push_back({program_.repeats[instr.a].body, pc});
        if (program_.repeats[instr.a].min == 0) todo.push_back(instr.next);
      }
    }
    return calls;
  }

  const std::uint32_t num_named_;
  const std::uint32_t max_chain_;
  const std::vector<bool>& live_;
  Program& program_;
  std::vector<Subroutine>& subs_;
  std::vector<Sub> seen_by_;  // by Pc: the last subroutine that reached it, plus 1
  std::size_t num_steps_ = 0;
  std::vector<Color> color_;          // by Sub
  std::vector<std::uint32_t> chain_;  // by Sub: named ones in the longest chain that begins here
  std::vector<Visit> stack_;
  std::uint32_t next_rank_;
};

}  // namespace

std::optional<CallProblem> OrderCalls(std::uint32_t num_named, std::uint32_t max_chain,
                                      const std::vector<bool>& live, Program* program) {
  return CallOrder(num_named, max_chain, live, program).Run();
}

}  // namespace sentiric::grammar
