// SPDX-License-Identifier: AGPL-3.0-only
// A set of JSON values in a form that can be intersected, united, complemented and written. It is
// spelled out one level deep: what arrays and objects hold are expressions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/grammar/number/number_set.h"
#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/length_window.h"
#include "core/grammar/regular/text_set.h"
#include "core/grammar/schema/expressions.h"

namespace sentiric::grammar {

// Between `min` and `max` of the items from index `from` on are an `item`.
struct ContainsRule {
  Expr item = kAnyValue;
  std::uint32_t from = 0;
  std::uint32_t min = 1;
  std::uint32_t max = kUnlimited;
};
inline bool operator==(const ContainsRule& x, const ContainsRule& y) {
  return x.item == y.item && x.from == y.from && x.min == y.min && x.max == y.max;
}

// Arrays whose first items are `prefix`, in order, as far as they are there, and all later ones
// `rest`.
struct ArrayShape {
  std::vector<Expr> prefix;
  Expr rest = kAnyValue;
  LengthWindow size;
  std::vector<ContainsRule> contains;
  const JsonValue* unique_by = nullptr;  // the schema that wants its items to differ

  Expr ItemAt(std::size_t index) const { return index < prefix.size() ? prefix[index] : rest; }
};

struct Property {
  std::string name;
  Expr value = kAnyValue;  // kNoValue: may not be there
  bool required = false;
};

// Members whose names are in `names`.
struct NameClass {
  Dfa names;
  Expr value = kAnyValue;
};

// Objects with these properties, in this order. A name that is not a property belongs to the one
// class of `others` that has it: together they have every name.
struct ObjectShape {
  std::vector<Property> properties;  // distinct names
  std::vector<NameClass> others = {{Dfa::All(), kAnyValue}};
  std::vector<NameClass> some;  // for each of these there is a member
  LengthWindow size;            // number of members

  const Property* Find(const std::string& name) const;
  // What a member of that name must be: of a property, or of a class.
  Expr ValueOf(const std::string& name) const;
  // The same of a name that is not a property; does not look at them all.
  Expr ValueOfOther(const std::string& name) const;
};

// Each list is a union.
struct Shape {
  bool null = false;
  bool no = false;
  bool yes = false;
  NumberSet numbers = NumberSet::None();
  std::vector<TextSet> texts;
  // Some texts are left out that a format allows, so nothing can be said about the others.
  const JsonValue* narrowed_by = nullptr;  // the schema with the format
  std::vector<ArrayShape> arrays;
  std::vector<ObjectShape> objects;

  static Shape All();
  bool HasLists() const { return !arrays.empty() || !objects.empty(); }
};

}  // namespace sentiric::grammar
