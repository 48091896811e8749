// SPDX-License-Identifier: AGPL-3.0-only
// What a place of a schema demands, as a formula over the schemas that are written in the document.
// Formulas are interned and simplified, so that a recursive schema has finitely many of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/grammar/schema/json_value.h"
#include "core/grammar/schema/work_budget.h"

namespace sentiric::grammar {

using Expr = std::uint32_t;  // index into Expressions
inline constexpr Expr kNoValue = 0;
inline constexpr Expr kAnyValue = 1;

enum class ExprKind : std::uint8_t {
  kNothing,   // no value
  kAnything,  // every value
  kSchema,    // values that the schema `value` describes
  kConst,     // values equal to `value`
  kNot,       // values that operands[0] does not describe
  kAll,       // values that all operands describe
  kAny,       // values that some operand describes
};

struct ExprNode {
  ExprKind kind = ExprKind::kNothing;
  const JsonValue* value = nullptr;
  std::vector<Expr> operands;  // kAll, kAny: sorted, distinct, at least two
};

// Values that it refers to must outlive it. One thread at a time.
class Expressions {
 public:
  explicit Expressions(std::shared_ptr<WorkBudget> work);

  // `true` and `false` become kAnyValue and kNoValue, and one value kConst. Schemas without others
  // in them that say the same, whatever their descriptions, are one expression.
  Expr Schema(const JsonValue* schema);
  Expr Const(const JsonValue* value);
  Expr Not(Expr operand);
  Expr All(std::vector<Expr> operands);
  Expr Any(std::vector<Expr> operands);

  // Valid until the next expression is made.
  const ExprNode& at(Expr expr) const { return nodes_[expr]; }
  std::size_t size() const { return nodes_.size(); }

  // For all that is made of these expressions.
  Status Spend(std::size_t work) { return work_->Spend(work); }

 private:
  using Key = std::pair<std::pair<ExprKind, const JsonValue*>, std::vector<Expr>>;

  Expr Intern(ExprNode node);
  bool DropOtherConsts(std::vector<Expr>* operands) const;
  Expr Join(ExprKind kind, Expr neutral, Expr absorbing, std::vector<Expr> operands);

  const std::shared_ptr<WorkBudget> work_;
  std::vector<ExprNode> nodes_;
  std::map<Key, Expr> known_;
  std::unordered_map<std::string, const JsonValue*> leaves_;  // by LeafKey
};

}  // namespace sentiric::grammar
