// SPDX-License-Identifier: AGPL-3.0-only
// Nodes that stand around llama.cpp's own in a template's syntax tree. Each works out the operands,
// asks the RenderBudget for what the engine's node is about to do with them, and lets it do it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/template/builtin_cost.h"
#include "backend/template/render_budget.h"
#include "jinja/runtime.h"

namespace sentiric::backend {

using jinja::statement;
using jinja::statement_ptr;
using jinja::statements;

// Text of one mark becomes one part.
void AppendPart(const jinja::string_part& part, jinja::string* out);

// An operand that was worked out beforehand.
struct Slot : jinja::expression {
  explicit Slot(std::size_t place) : index(place) { pos = 0; }
  std::size_t index;
  std::string type() const override { return "Slot"; }
  jinja::value execute_impl(jinja::context&) const override {
    return RenderBudget::Current().Operand(index);
  }
};

// As the engine's own, which copies its table of functions at each look.
struct Name : jinja::expression {
  explicit Name(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

// An expression whose operands are all worked out before it runs. Take() moves them out of the
// engine's node.
struct Operation : jinja::expression {
  explicit Operation(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::vector<statement_ptr> operands;

  void Take(statement_ptr* operand);
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;

 protected:
  // Throws when it may not run. A value stands for the result and the engine's node does not run.
  virtual jinja::value Allow(Arguments* arguments) const = 0;
};

struct BinaryGuard : Operation {
  BinaryGuard(statement_ptr guarded, std::string op)
      : Operation(std::move(guarded)), sign(std::move(op)) {}
  std::string sign;

 protected:
  jinja::value Allow(Arguments* arguments) const override;
};

struct NegationGuard : Operation {
  using Operation::Operation;

 protected:
  jinja::value Allow(Arguments* arguments) const override;
};

// object.name, object[key], object[begin:end:step].
struct MemberGuard : Operation {
  MemberGuard(statement_ptr guarded, bool is_slice)
      : Operation(std::move(guarded)), slices(is_slice) {}
  bool slices;

 protected:
  jinja::value Allow(Arguments* arguments) const override;
};

// A filter or a test: what runs stands in the source.
struct BuiltinGuard : Operation {
  BuiltinGuard(statement_ptr guarded, std::string builtin)
      : Operation(std::move(guarded)), name(std::move(builtin)) {}
  std::string name;

 protected:
  jinja::value Allow(Arguments* arguments) const override;
};

// A call, also that of a call block. What is called is the last operand.
struct CallGuard : Operation {
  CallGuard(statement_ptr guarded, std::size_t count)
      : Operation(std::move(guarded)), scopes(count) {}
  std::size_t scopes;  // that the engine makes for it
  jinja::value execute_impl(jinja::context& ctx) const override;

 protected:
  jinja::value Allow(Arguments* arguments) const override;
};

// [..], (..), {..}: a new value with others in it. Keys are hashed.
struct LiteralGuard : jinja::expression {
  explicit LiteralGuard(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};
struct KeyGuard : jinja::expression {
  explicit KeyGuard(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

// A text of the template, copied at each use.
struct TextGuard : jinja::expression {
  explicit TextGuard(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

}  // namespace sentiric::backend
