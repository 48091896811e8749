// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/shape_algebra.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/schema/array_algebra.h"
#include "core/grammar/schema/object_algebra.h"

namespace sentiric::grammar {
namespace {

bool IsFree(const LengthWindow& window) { return window.min == 0 && window.max == kUnlimited; }

Status CheckAlternatives(std::size_t count) {
  if (count <= kMaxAlternatives) return std::nullopt;
  return Error{ErrorCode::kInvalidGrammar, "",
               "combinations make too many alternatives; got more than " +
                   std::to_string(kMaxAlternatives) + ", allowed " +
                   std::to_string(kMaxAlternatives) + "; put fewer branches into what is combined"};
}

// Texts without a window are one automaton.
Status AddTexts(const TextSet& added, std::vector<TextSet>* texts) {
  if (IsEmpty(added)) return std::nullopt;
  if (IsFree(added.length)) {
    for (TextSet& known : *texts) {
      if (!IsFree(known.length)) continue;
      Result<Dfa> either = Union(known.texts, added.texts);
      if (!either) return either.error();
      known.texts = *std::move(either);
      return std::nullopt;
    }
  }
  texts->push_back(added);
  return CheckAlternatives(texts->size());
}

// What a set costs in the time of a member compared.
std::size_t WorkOf(const Dfa& texts) { return texts.size() + texts.num_edges(); }

std::size_t WorkOf(const ArrayShape& array) { return 1 + array.prefix.size(); }

Result<std::vector<TextSet>> BothTexts(const std::vector<TextSet>& a, const std::vector<TextSet>& b,
                                       Expressions* expressions) {
  std::vector<TextSet> both;
  for (const TextSet& x : a) {
    for (const TextSet& y : b) {
      Result<TextSet> texts = Intersection(x, y);
      if (!texts) return texts.error();
      if (Status error = expressions->Spend(WorkOf(texts->texts))) return std::move(*error);
      if (Status error = AddTexts(*texts, &both)) return std::move(*error);
    }
  }
  return both;
}

Result<std::vector<TextSet>> OtherTexts(const std::vector<TextSet>& texts,
                                        Expressions* expressions) {
  std::vector<TextSet> others = {TextSet{Dfa::All(), {}}};
  for (const TextSet& text : texts) {
    Result<std::vector<TextSet>> outside = Complement(text);
    if (!outside) return outside.error();
    Result<std::vector<TextSet>> both = BothTexts(others, *outside, expressions);
    if (!both) return both.error();
    others = *std::move(both);
  }
  return others;
}

Result<std::optional<ArrayShape>> Both(const ArrayShape& a, const ArrayShape& b,
                                       Expressions* expressions) {
  return Intersection(a, b, expressions);
}
Result<std::optional<ObjectShape>> Both(const ObjectShape& a, const ObjectShape& b,
                                        Expressions* expressions) {
  return Intersection(a, b, expressions);
}

template <typename List>
Result<std::vector<List>> BothLists(const std::vector<List>& a, const std::vector<List>& b,
                                    Expressions* expressions) {
  std::vector<List> both;
  for (const List& x : a) {
    for (const List& y : b) {
      if (Status error = expressions->Spend(WorkOf(x) + WorkOf(y))) return std::move(*error);
      Result<std::optional<List>> list = Both(x, y, expressions);
      if (!list) return list.error();
      if (list->has_value()) both.push_back(**std::move(list));
      if (Status error = CheckAlternatives(both.size())) return std::move(*error);
    }
  }
  return both;
}

template <typename List>
Result<std::vector<List>> OtherLists(const std::vector<List>& lists, Expressions* expressions) {
  std::vector<List> others = {List{}};
  for (const List& list : lists) {
    Result<std::vector<List>> outside = Complement(list, expressions);
    if (!outside) return outside.error();
    Result<std::vector<List>> both = BothLists(others, *outside, expressions);
    if (!both) return both.error();
    others = *std::move(both);
  }
  return others;
}

}  // namespace

Result<Shape> Intersection(const Shape& a, const Shape& b, Expressions* expressions) {
  Shape both;
  both.null = a.null && b.null;
  both.no = a.no && b.no;
  both.yes = a.yes && b.yes;
  Result<NumberSet> numbers = Intersection(a.numbers, b.numbers);
  if (!numbers) return numbers.error();
  both.numbers = *std::move(numbers);
  Result<std::vector<TextSet>> texts = BothTexts(a.texts, b.texts, expressions);
  if (!texts) return texts.error();
  both.texts = *std::move(texts);
  if (!both.texts.empty()) both.narrowed_by = a.narrowed_by ? a.narrowed_by : b.narrowed_by;
  Result<std::vector<ArrayShape>> arrays = BothLists(a.arrays, b.arrays, expressions);
  if (!arrays) return arrays.error();
  both.arrays = *std::move(arrays);
  Result<std::vector<ObjectShape>> objects = BothLists(a.objects, b.objects, expressions);
  if (!objects) return objects.error();
  both.objects = *std::move(objects);
  return both;
}

Result<Shape> Union(Shape a, const Shape& b, Expressions* expressions) {
  Shape either = std::move(a);
  either.null |= b.null;
  either.no |= b.no;
  either.yes |= b.yes;
  Result<NumberSet> numbers = Union(either.numbers, b.numbers);
  if (!numbers) return numbers.error();
  either.numbers = *std::move(numbers);
  for (const TextSet& texts : b.texts) {
    if (Status error = AddTexts(texts, &either.texts)) return std::move(*error);
  }
  if (either.narrowed_by == nullptr) either.narrowed_by = b.narrowed_by;
  std::size_t work = 1;
  for (const ArrayShape& array : b.arrays) work += WorkOf(array);
  for (const ObjectShape& object : b.objects) work += WorkOf(object);
  if (Status error = expressions->Spend(work)) return std::move(*error);
  either.arrays.insert(either.arrays.end(), b.arrays.begin(), b.arrays.end());
  either.objects.insert(either.objects.end(), b.objects.begin(), b.objects.end());
  if (Status error = CheckAlternatives(either.arrays.size())) return std::move(*error);
  if (Status error = CheckAlternatives(either.objects.size())) return std::move(*error);
  return either;
}

Result<Shape> Complement(const Shape& shape, Expressions* expressions) {
  Shape other;
  other.null = !shape.null;
  other.no = !shape.no;
  other.yes = !shape.yes;
  other.numbers = Complement(shape.numbers);
  Result<std::vector<TextSet>> texts = OtherTexts(shape.texts, expressions);
  if (!texts) return texts.error();
  other.texts = *std::move(texts);
  Result<std::vector<ArrayShape>> arrays = OtherLists(shape.arrays, expressions);
  if (!arrays) return arrays.error();
  other.arrays = *std::move(arrays);
  Result<std::vector<ObjectShape>> objects = OtherLists(shape.objects, expressions);
  if (!objects) return objects.error();
  other.objects = *std::move(objects);
  return other;
}

NoOpposite WhatHasNoOpposite(const Shape& shape) {
  if (shape.narrowed_by != nullptr) return {shape.narrowed_by, "format"};
  for (const ArrayShape& array : shape.arrays) {
    if (array.unique_by != nullptr) return {array.unique_by, "uniqueItems"};
  }
  return {};
}

bool HasScalars(const Shape& shape) {
  return shape.null || shape.no || shape.yes || !shape.numbers.IsEmpty() || !shape.texts.empty();
}

}  // namespace sentiric::grammar
