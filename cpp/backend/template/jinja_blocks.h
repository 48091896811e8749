// SPDX-License-Identifier: AGPL-3.0-only
// Guards around bodies, assignments and loops; see jinja_nodes.h.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/template/jinja_nodes.h"

namespace sentiric::backend {

// The statements of a body as one statement. Its output is a single text, so that the engine
// collects few values; inside of a loop it is appended to the text of the loop.
struct Block : statement {
  enum class Kind { kPlain, kMacro, kLoop };
  Block(statements children, Kind what) : body(std::move(children)), kind(what) { pos = 0; }
  statements body;
  Kind kind;
  std::string type() const override { return "Block"; }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

struct SetGuard : statement {
  explicit SetGuard(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  statement_ptr stored;  // the value or the body
  statement_ptr owner;   // the object whose attribute is set; nullptr for a variable
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

struct LoopGuard : statement {
  explicit LoopGuard(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};
// The expression that a loop iterates over.
struct IterableGuard : jinja::expression {
  IterableGuard(statement_ptr guarded, bool unpacks)
      : inner(std::move(guarded)), unpacked(unpacks) {
    pos = inner->pos;
  }
  statement_ptr inner;
  bool unpacked;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};
// The condition of a loop; always true if there is none. The engine copies all variables before it
// evaluates the condition for an item, so the time is checked here.
struct ItemGuard : jinja::expression {
  explicit ItemGuard(statement_ptr condition) : inner(std::move(condition)) {
    pos = inner ? inner->pos : 0;
  }
  statement_ptr inner;  // may be nullptr
  std::string type() const override { return "Item"; }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

}  // namespace sentiric::backend
