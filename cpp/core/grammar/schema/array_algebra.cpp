// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/array_algebra.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {
namespace {

LengthWindow Both(const LengthWindow& a, const LengthWindow& b) {
  return {std::max(a.min, b.min), std::min(a.max, b.max)};
}

// Arrays that have the item `index` and there a value of `item`.
ArrayShape WithItem(std::size_t index, Expr item) {
  ArrayShape array;
  array.prefix.assign(index, kAnyValue);
  array.prefix.push_back(item);
  array.size.min = static_cast<std::uint32_t>(index + 1);
  return array;
}

ArrayShape WithContains(const ContainsRule& contains) {
  ArrayShape array;
  array.contains.push_back(contains);
  return array;
}

ArrayShape WithSize(LengthWindow size) {
  ArrayShape array;
  array.size = size;
  return array;
}

}  // namespace

std::optional<ArrayShape> Normalized(ArrayShape array) {
  const auto nothing = std::find(array.prefix.begin(), array.prefix.end(), kNoValue);
  const auto num_possible = static_cast<std::uint32_t>(nothing - array.prefix.begin());
  if (nothing != array.prefix.end() || array.rest == kNoValue)
    array.size.max = std::min(array.size.max, num_possible);
  if (array.size.min > array.size.max) return std::nullopt;
  if (array.size.max <= array.prefix.size()) {
    array.prefix.resize(array.size.max);
    array.rest = kNoValue;
  }
  std::vector<ContainsRule> kept;
  for (const ContainsRule& contains : array.contains) {
    if (contains.min > contains.max) return std::nullopt;
    if (contains.item == kNoValue && contains.min > 0) return std::nullopt;
    const bool always = contains.min == 0 && contains.max == kUnlimited;
    if (!always && std::find(kept.begin(), kept.end(), contains) == kept.end())
      kept.push_back(contains);
  }
  array.contains = std::move(kept);
  return array;
}

std::optional<ArrayShape> Intersection(const ArrayShape& a, const ArrayShape& b,
                                       Expressions* expressions) {
  ArrayShape both;
  for (std::size_t i = 0; i < std::max(a.prefix.size(), b.prefix.size()); ++i)
    both.prefix.push_back(expressions->All({a.ItemAt(i), b.ItemAt(i)}));
  both.rest = expressions->All({a.rest, b.rest});
  both.size = Both(a.size, b.size);
  both.contains = a.contains;
  both.contains.insert(both.contains.end(), b.contains.begin(), b.contains.end());
  both.unique_by = a.unique_by ? a.unique_by : b.unique_by;
  return Normalized(std::move(both));
}

Result<std::vector<ArrayShape>> Complement(const ArrayShape& array, Expressions* expressions) {
  std::vector<ArrayShape> others;
  if (array.size.min > 0) others.push_back(WithSize({0, array.size.min - 1}));
  if (array.size.max != kUnlimited) others.push_back(WithSize({array.size.max + 1, kUnlimited}));
  for (std::size_t i = 0; i < array.prefix.size(); ++i) {
    if (array.prefix[i] == kAnyValue) continue;
    if (Status error = expressions->Spend(i + 1)) return std::move(*error);
    others.push_back(WithItem(i, expressions->Not(array.prefix[i])));
  }
  if (array.rest != kAnyValue) {
    const auto from = static_cast<std::uint32_t>(array.prefix.size());
    others.push_back(WithContains({expressions->Not(array.rest), from, 1, kUnlimited}));
  }
  for (const ContainsRule& contains : array.contains) {
    if (contains.min > 0)
      others.push_back(WithContains({contains.item, contains.from, 0, contains.min - 1}));
    if (contains.max != kUnlimited) {
      others.push_back(WithContains({contains.item, contains.from, contains.max + 1, kUnlimited}));
    }
  }
  std::vector<ArrayShape> possible;
  for (ArrayShape& other : others) {
    if (auto normalized = Normalized(std::move(other))) possible.push_back(*std::move(normalized));
  }
  return possible;
}

}  // namespace sentiric::grammar
