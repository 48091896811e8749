// SPDX-License-Identifier: AGPL-3.0-only
// Guards around llama.cpp's nodes in a template's syntax tree. Each evaluates the operands, charges
// the RenderBudget for what the engine's node is about to do with them, then runs that node.
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

// Appends a part; merges it with the last one if both have the same mark.
void AppendPart(const jinja::string_part& part, jinja::string* out);

// Stands for an operand that has already been evaluated.
struct Slot : jinja::expression {
  explicit Slot(std::size_t place) : index(place) { pos = 0; }
  std::size_t index;
  std::string type() const override { return "Slot"; }
  jinja::value execute_impl(jinja::context&) const override {
    return RenderBudget::Current().Operand(index);
  }
};

// Replaces the engine's own node, which copies its table of functions at each look-up.
struct Name : jinja::expression {
  explicit Name(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

// An expression whose operands are all evaluated before it runs. Take() moves them out of the
// engine's node.
struct Operation : jinja::expression {
  explicit Operation(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::vector<statement_ptr> operands;

  void Take(statement_ptr* operand);
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;

 protected:
  // Throws if the node may not run. A returned value is the result; then the engine's node does not
  // run.
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

// A filter or a test, whose name is in the source.
struct BuiltinGuard : Operation {
  BuiltinGuard(statement_ptr guarded, std::string builtin)
      : Operation(std::move(guarded)), name(std::move(builtin)) {}
  std::string name;

 protected:
  jinja::value Allow(Arguments* arguments) const override;
};

// A call, including that of a call block. The callee is the last operand.
struct CallGuard : Operation {
  CallGuard(statement_ptr guarded, std::size_t count)
      : Operation(std::move(guarded)), scopes(count) {}
  std::size_t scopes;  // made by the engine for this call
  jinja::value execute_impl(jinja::context& ctx) const override;

 protected:
  jinja::value Allow(Arguments* arguments) const override;
};

// [..], (..), {..}: a new value that contains others.
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

// Literal text of the template, copied at each use.
struct TextGuard : jinja::expression {
  explicit TextGuard(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

}  // namespace sentiric::backend
