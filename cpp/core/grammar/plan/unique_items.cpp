// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/unique_items.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/grammar/plan/canonical_texts.h"
#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {
namespace {

Result<Dfa> TextsOf(Expr expr, ShapeSource* shapes) {
  Result<const Shape*> shape = shapes->Expand(expr);
  if (!shape) return shape.error();
  return CanonicalTexts(**shape);
}

Result<bool> AreDisjoint(const std::vector<Dfa>& sets) {
  for (std::size_t i = 0; i < sets.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      Result<Dfa> both = Intersection(sets[i], sets[j]);
      if (!both) return both.error();
      if (!both->IsEmpty()) return false;
    }
  }
  return true;
}

// Whether each set has more texts than an array has items.
bool HaveRoom(const std::vector<Dfa>& sets, std::uint32_t max_items) {
  return std::all_of(sets.begin(), sets.end(), [max_items](const Dfa& texts) {
    const std::optional<std::uint64_t> count = CountWords(texts);
    return !count || *count >= max_items;
  });
}

// Items that count and items that do not have texts in common, which must not be few.
Status CheckContains(const ArrayShape& array, Expressions* expressions, ShapeSource* shapes) {
  for (const ContainsRule& contains : array.contains) {
    Result<Dfa> texts = TextsOf(expressions->All({array.rest, contains.item}), shapes);
    if (!texts) return texts.error();
    if (!CountWords(*texts)) continue;
    return Error{ErrorCode::kInvalidGrammar, "",
                 "cannot be enforced beside `contains` that few values match"};
  }
  return std::nullopt;
}

}  // namespace

Result<ArrayShape> WithUniqueRoom(ArrayShape array, Expressions* expressions, ShapeSource* shapes) {
  if (array.unique_by == nullptr || array.size.max <= 1) return array;
  if (Status error = CheckContains(array, expressions, shapes)) return std::move(*error);
  if (array.prefix.empty()) {
    Result<Dfa> texts = TextsOf(array.rest, shapes);
    if (!texts) return texts.error();
    const std::optional<std::uint64_t> count = CountWords(*texts);
    if (count && *count < array.size.max) array.size.max = static_cast<std::uint32_t>(*count);
    return array;
  }
  std::vector<Dfa> sets;
  for (Expr item : array.prefix) {
    Result<Dfa> texts = TextsOf(item, shapes);
    if (!texts) return texts.error();
    sets.push_back(*std::move(texts));
  }
  if (array.size.max > array.prefix.size()) {
    Result<Dfa> rest = TextsOf(array.rest, shapes);
    if (!rest) return rest.error();
    sets.push_back(*std::move(rest));
  } else {
    Result<bool> disjoint = AreDisjoint(sets);
    if (!disjoint) return disjoint.error();
    if (*disjoint) {
      array.unique_by = nullptr;
      return array;
    }
  }
  if (HaveRoom(sets, array.size.max)) return array;
  return Error{ErrorCode::kInvalidGrammar, "",
               "cannot be enforced for items of few values that differ by position"};
}

}  // namespace sentiric::grammar
