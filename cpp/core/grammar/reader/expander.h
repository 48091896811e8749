// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "core/grammar/reader/schema_context.h"
#include "core/grammar/schema/shape_algebra.h"

namespace sentiric::grammar {

// Turns expressions into shapes, each once. Schemas are read when an expression needs them, so what
// no value can meet is never read. One thread at a time.
class Expander : public ShapeSource {
 public:
  static constexpr std::size_t kMaxExpressions = 20'000;

  // `document` must outlive the expander.
  explicit Expander(Document* document);

  // Errors: kInvalidGrammar at the place in the document.
  Result<const Shape*> Expand(Expr expr) override;

  Expressions* expressions() { return &expressions_; }

 private:
  Result<Shape> Compute(Expr expr);
  Result<Shape> SchemaShape(const JsonValue& schema);
  Result<Shape> OwnShape(const JsonValue& schema);
  Status CheckKeywords(const JsonValue& schema) const;
  Status RestrictTypes(const JsonValue& schema, Shape* shape);
  Status RestrictValues(const JsonValue& schema, Shape* shape);
  Result<Shape> CombinedShape(const JsonValue& schema, Shape own);
  Result<Shape> All(const std::vector<Expr>& operands);
  Result<Shape> Any(const std::vector<Expr>& operands);

  Expressions expressions_;
  SchemaContext context_;
  std::unordered_map<Expr, std::unique_ptr<const Shape>> shapes_;
  std::unordered_set<Expr> open_;  // being computed
  NoOpposite no_opposite_;         // of the last error, if it is about one
};

}  // namespace sentiric::grammar
