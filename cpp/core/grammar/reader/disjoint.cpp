// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/disjoint.h"

#include <vector>

#include "core/grammar/schema/object_algebra.h"
#include "core/grammar/schema/shape_algebra.h"

namespace sentiric::grammar {
namespace {

// A tag that tells alternatives apart stands at the top or one level below.
constexpr int kMaxDepth = 3;
constexpr std::uint32_t kMaxItems = 8;

Result<bool> IsEmptyAt(Expr expr, int depth, const SchemaContext& context);

Result<bool> AnyEmpty(const std::vector<Expr>& needed, int depth, const SchemaContext& context) {
  for (Expr expr : needed) {
    Result<bool> empty = IsEmptyAt(expr, depth, context);
    if (!empty || *empty) return empty;
  }
  return false;
}

std::vector<Expr> NeededBy(const ObjectShape& object) {
  std::vector<Expr> needed;
  for (const Property& property : object.properties) {
    if (property.required) needed.push_back(property.value);
  }
  return needed;
}

std::vector<Expr> NeededBy(const ArrayShape& array) {
  std::vector<Expr> needed;
  for (std::uint32_t i = 0; i < array.size.min && i < kMaxItems; ++i)
    needed.push_back(array.ItemAt(i));
  return needed;
}

template <typename List>
Result<bool> AllEmpty(const std::vector<List>& lists, int depth, const SchemaContext& context) {
  for (const List& list : lists) {
    Result<bool> empty = AnyEmpty(NeededBy(list), depth, context);
    if (!empty || !*empty) return empty;
  }
  return true;
}

Result<bool> IsEmptyAt(Expr expr, int depth, const SchemaContext& context) {
  if (expr == kNoValue || expr == kAnyValue || depth == kMaxDepth) return expr == kNoValue;
  Result<const Shape*> shape = context.shapes->Expand(expr);
  if (!shape) return shape.error();
  if (HasScalars(**shape)) return false;
  Result<bool> arrays = AllEmpty((*shape)->arrays, depth + 1, context);
  if (!arrays || !*arrays) return arrays;
  return AllEmpty((*shape)->objects, depth + 1, context);
}

}  // namespace

Result<bool> IsCertainlyEmpty(Expr expr, const SchemaContext& context) {
  return IsEmptyAt(expr, 0, context);
}

}  // namespace sentiric::grammar
