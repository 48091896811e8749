// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/jinja_guard.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "backend/jinja_template.h"

namespace sentiric::backend {
namespace {

using jinja::statement;
using jinja::statement_ptr;
using jinja::token;

thread_local RenderBudget* current_budget = nullptr;

// Deep enough for any template that means well; unwinding from here takes a tenth of a second.
constexpr std::uintptr_t kStackBytes = std::uintptr_t{4} << 20;

// How far down macros may go: kStackBytes, or until a quarter of the thread's stack is left.
std::uintptr_t LowestStack() {
  pthread_attr_t attributes;
  void* base = nullptr;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  pthread_attr_getstack(&attributes, &base, &size);
  pthread_attr_destroy(&attributes);
  const auto here = reinterpret_cast<std::uintptr_t>(&attributes);
  return std::max(reinterpret_cast<std::uintptr_t>(base) + size / 4, here - kStackBytes);
}

std::size_t SizeOf(const jinja::value& value) {
  if (jinja::is_val<jinja::value_string>(value)) {
    std::size_t size = 0;
    for (const jinja::string_part& part : value->val_str.parts) {
      size += sizeof part + part.val.size();
    }
    return size;
  }
  // A list element is at least a shared pointer.
  if (jinja::is_val<jinja::value_array>(value)) return value->val_arr.size() * sizeof(jinja::value);
  return 0;
}

// First in the body of a loop or macro. A recursive macro can hand a larger value to itself each
// time, so its arguments are looked at.
struct StepGuard : statement {
  std::vector<std::string> arguments;
  std::string type() const override { return "StepGuard"; }
  jinja::value execute_impl(jinja::context& ctx) const override {
    RenderBudget::Current().Step();
    for (const std::string& name : arguments) RenderBudget::CheckSize(ctx.get_val(name));
    return jinja::mk_val<jinja::value_undefined>();
  }
};

// Around an expression.
struct ExpressionGuard : jinja::expression {
  enum class Purpose { kOutput, kStored, kFactor };
  ExpressionGuard(statement_ptr guarded, Purpose why) : inner(std::move(guarded)), purpose(why) {
    pos = inner->pos;
  }
  statement_ptr inner;
  Purpose purpose;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override {
    jinja::value result = inner->execute(ctx);
    if (purpose == Purpose::kOutput) {
      RenderBudget::Current().Write(result);
    } else {
      RenderBudget::CheckSize(result);
    }
    // "x" * 10**12: the engine builds the string before anyone can look at it.
    const bool is_count = purpose == Purpose::kFactor && jinja::is_val<jinja::value_int>(result);
    if (is_count && std::llabs(result->as_int()) > JinjaLimits::kRangeItems) {
      throw std::runtime_error("a factor over " + std::to_string(JinjaLimits::kRangeItems));
    }
    return result;
  }
};

void GuardExpression(statement_ptr* slot, ExpressionGuard::Purpose purpose) {
  if (*slot) *slot = std::make_unique<ExpressionGuard>(std::move(*slot), purpose);
}

void GuardOutputs(jinja::statements* body) {
  for (statement_ptr& child : *body) {
    if (dynamic_cast<jinja::expression*>(child.get()) == nullptr) continue;
    GuardExpression(&child, ExpressionGuard::Purpose::kOutput);
  }
}

void InsertStep(jinja::statements* body, const jinja::statements& parameters) {
  auto guard = std::make_unique<StepGuard>();
  guard->pos = 0;
  for (const statement_ptr& parameter : parameters) {
    const auto* pair = dynamic_cast<const jinja::keyword_argument_expression*>(parameter.get());
    const statement* name = pair != nullptr ? pair->key.get() : parameter.get();
    if (const auto* id = dynamic_cast<const jinja::identifier*>(name)) {
      guard->arguments.push_back(id->val);
    }
  }
  body->insert(body->begin(), std::move(guard));
}

void GuardNode(statement* node) {
  if (auto* loop = dynamic_cast<jinja::for_statement*>(node)) {
    GuardOutputs(&loop->body);
    GuardOutputs(&loop->default_block);
    InsertStep(&loop->body, {});
  } else if (auto* macro = dynamic_cast<jinja::macro_statement*>(node)) {
    GuardOutputs(&macro->body);
    InsertStep(&macro->body, macro->args);
  } else if (auto* call = dynamic_cast<jinja::call_statement*>(node)) {
    GuardOutputs(&call->body);
    InsertStep(&call->body, call->caller_args);
  } else if (auto* branch = dynamic_cast<jinja::if_statement*>(node)) {
    GuardOutputs(&branch->body);
    GuardOutputs(&branch->alternate);
  } else if (auto* filter = dynamic_cast<jinja::filter_statement*>(node)) {
    GuardOutputs(&filter->body);
  } else if (auto* set = dynamic_cast<jinja::set_statement*>(node)) {
    GuardOutputs(&set->body);
    GuardExpression(&set->val, ExpressionGuard::Purpose::kStored);
  } else if (auto* binary = dynamic_cast<jinja::binary_expression*>(node)) {
    const auto purpose = binary->op.value == "*" ? ExpressionGuard::Purpose::kFactor
                                                 : ExpressionGuard::Purpose::kStored;
    GuardExpression(&binary->left, purpose);
    GuardExpression(&binary->right, purpose);
  }
}

// Depth of brackets and of blocks, tokens in a block, number of branches.
class TokenCounter {
 public:
  const char* Count(const token& current, const token* next) {
    CountBrackets(current);
    if (current.t == token::open_statement && next != nullptr) CountBlock(next->value);
    if (current.t == token::identifier && current.value == "elif") ++branches_;
    if (brackets_ > JinjaLimits::kNesting) return "brackets nest too deeply";
    if (blocks_ > JinjaLimits::kNesting) return "blocks nest too deeply";
    if (tokens_ > JinjaLimits::kBlockTokens) return "an expression is too long";
    if (branches_ > JinjaLimits::kBranches) return "too many elif branches";
    return nullptr;
  }

 private:
  void CountBrackets(const token& current) {
    switch (current.t) {
      case token::open_paren:
      case token::open_square_bracket:
      case token::open_curly_bracket: ++brackets_; break;
      case token::close_paren:
      case token::close_square_bracket:
      case token::close_curly_bracket: --brackets_; break;
      case token::open_statement:
      case token::open_expression:
        brackets_ = 0;
        tokens_ = 0;
        break;
      default: break;
    }
    ++tokens_;
  }

  // `set` opens a block only sometimes; counting it always would refuse long lists of assignments.
  void CountBlock(const std::string& word) {
    if (word == "if" || word == "for" || word == "macro" || word == "call" || word == "filter") {
      ++blocks_;
    } else if (word.rfind("end", 0) == 0 && word != "endset" && blocks_ > 0) {
      --blocks_;
    }
  }

  int brackets_ = 0;
  int blocks_ = 0;
  int branches_ = 0;
  std::size_t tokens_ = 0;
};

}  // namespace

Status CheckTokens(const jinja::lexer_result& tokens) {
  TokenCounter counter;
  for (std::size_t i = 0; i < tokens.tokens.size(); ++i) {
    const token* next = i + 1 < tokens.tokens.size() ? &tokens.tokens[i + 1] : nullptr;
    if (const char* problem = counter.Count(tokens.tokens[i], next)) {
      return Error{ErrorCode::kTemplateFailed, "chat_template",
                   std::string(problem) + " at byte " + std::to_string(tokens.tokens[i].pos)};
    }
  }
  return std::nullopt;
}

void PlantGuards(jinja::program* program) {
  std::vector<statement*> nodes;
  jinja::context visiting;
  // The tree was built by our caller and is not const: the visitor only speaks in const pointers.
  // It does not look into list literals; what stands there is small.
  visiting.visitor = [&](bool, const statement* node,
                         const std::vector<jinja::visitor_pair>& children) {
    nodes.push_back(const_cast<statement*>(node));
    for (const jinja::visitor_pair& group : children) {
      for (const statement* child : group.second) {
        if (child != nullptr) child->visit(visiting);
      }
    }
  };
  for (const statement_ptr& child : program->body) child->visit(visiting);
  GuardOutputs(&program->body);
  for (statement* node : nodes) GuardNode(node);
}

void BoundBuiltins(jinja::context* context) {
  const auto range = [](const jinja::func_args& args) -> jinja::value {
    for (const jinja::value& bound : args.get_args()) {
      if (std::llabs(bound->as_int()) <= JinjaLimits::kRangeItems) continue;
      throw std::runtime_error("range() over " + std::to_string(JinjaLimits::kRangeItems));
    }
    return jinja::global_builtins().at("range")(args);
  };
  context->set_val("range", jinja::mk_val<jinja::value_func>("range", range));
}

RenderBudget::RenderBudget()
    : deadline_(std::chrono::steady_clock::now() +
                std::chrono::milliseconds(JinjaLimits::kMilliseconds)),
      lowest_stack_(LowestStack()),
      outer_(current_budget) {
  current_budget = this;
}

RenderBudget::~RenderBudget() { current_budget = outer_; }

RenderBudget& RenderBudget::Current() { return *current_budget; }

void RenderBudget::Step() {
  const char here = 0;
  if (reinterpret_cast<std::uintptr_t>(&here) < lowest_stack_) {
    throw std::runtime_error("macros call each other too deeply");
  }
  if (++steps_ > JinjaLimits::kSteps) throw std::runtime_error("too many steps");
  if (std::chrono::steady_clock::now() > deadline_) throw std::runtime_error("took too long");
}

void RenderBudget::Write(const jinja::value& value) {
  written_ += SizeOf(value);
  if (written_ > JinjaLimits::kWrittenBytes) throw std::runtime_error("wrote too much");
}

void RenderBudget::CheckSize(const jinja::value& value) {
  if (SizeOf(value) > JinjaLimits::kValueBytes) throw std::runtime_error("a value is too large");
}

}  // namespace sentiric::backend
