// SPDX-License-Identifier: AGPL-3.0-only
// Nodes around bodies, assignments and loops; see jinja_nodes.h.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/template/jinja_nodes.h"

namespace sentiric::backend {

// The statements of a body as one. Its output is one text, so that what the engine gathers stays
// small; in a loop it goes to the loop's own text.
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
  statement_ptr owner;   // what gets an attribute; nullptr for a variable
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

struct LoopGuard : statement {
  explicit LoopGuard(statement_ptr guarded) : inner(std::move(guarded)) { pos = inner->pos; }
  statement_ptr inner;
  std::string type() const override { return inner->type(); }
  jinja::value execute_impl(jinja::context& ctx) const override;
};
// What a loop goes over.
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
// The condition of a loop, met by each item when there is none. The engine copies all variables for
// each item first, so time is looked at here.
struct ItemGuard : jinja::expression {
  explicit ItemGuard(statement_ptr condition) : inner(std::move(condition)) {
    pos = inner ? inner->pos : 0;
  }
  statement_ptr inner;  // may be nullptr
  std::string type() const override { return "Item"; }
  jinja::value execute_impl(jinja::context& ctx) const override;
};

}  // namespace sentiric::backend
