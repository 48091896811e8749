// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/object_algebra.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {
namespace {

using Index = std::unordered_map<std::string, const Property*>;

Index IndexOf(const ObjectShape& object) {
  Index index;
  for (const Property& property : object.properties) index.emplace(property.name, &property);
  return index;
}

Property Lookup(const ObjectShape& object, const Index& index, const std::string& name) {
  const auto found = index.find(name);
  return found != index.end() ? *found->second : Property{name, object.ValueOf(name), false};
}

void AddProperties(const ObjectShape& a, const ObjectShape& b, Expressions* expressions,
                   ObjectShape* both) {
  const Index in_a = IndexOf(a);
  const Index in_b = IndexOf(b);
  const auto add = [&](const Property& x, const Property& y) {
    both->properties.push_back(
        {x.name, expressions->All({x.value, y.value}), x.required || y.required});
  };
  for (const Property& property : a.properties) add(property, Lookup(b, in_b, property.name));
  for (const Property& property : b.properties) {
    if (in_a.count(property.name) == 0) add(Lookup(a, in_a, property.name), property);
  }
}

// Classes with the same value become one, so that products stay small.
Status AddClass(NameClass added, std::vector<NameClass>* classes) {
  if (added.names.IsEmpty()) return std::nullopt;
  for (NameClass& known : *classes) {
    if (known.value != added.value) continue;
    Result<Dfa> names = Union(known.names, added.names);
    if (!names) return names.error();
    known.names = *std::move(names);
    return std::nullopt;
  }
  classes->push_back(std::move(added));
  return std::nullopt;
}

Status AddClasses(const ObjectShape& a, const ObjectShape& b, Expressions* expressions,
                  ObjectShape* both) {
  for (const NameClass& x : a.others) {
    for (const NameClass& y : b.others) {
      Result<Dfa> names = Intersection(x.names, y.names);
      if (!names) return names.error();
      const Expr value = expressions->All({x.value, y.value});
      if (Status error = AddClass({*std::move(names), value}, &both->others)) return error;
    }
  }
  return std::nullopt;
}

ObjectShape WithProperty(const std::string& name, Expr value, bool required) {
  ObjectShape object;
  object.properties.push_back({name, value, required});
  return object;
}

ObjectShape WithSize(LengthWindow size) {
  ObjectShape object;
  object.size = size;
  return object;
}

Result<Dfa> WithoutProperties(const Dfa& names, const ObjectShape& object) {
  std::vector<std::string> listed;
  for (const Property& property : object.properties) listed.push_back(property.name);
  return Difference(names, Dfa::Of(listed));
}

// Objects in which no member of `some` is as it should be.
Result<ObjectShape> WithoutSome(const NameClass& some, Expressions* expressions) {
  ObjectShape object;
  if (Status error = Restrict(some.names, expressions->Not(some.value), expressions, &object))
    return std::move(*error);
  return object;
}

}  // namespace

bool IsImpossible(const ObjectShape& object) {
  if (object.size.min > object.size.max) return true;
  std::uint32_t num_required = 0;
  for (const Property& property : object.properties) {
    if (property.required && property.value == kNoValue) return true;
    num_required += property.required;
  }
  return num_required > object.size.max;
}

Result<std::optional<ObjectShape>> Intersection(const ObjectShape& a, const ObjectShape& b,
                                                Expressions* expressions) {
  ObjectShape both;
  both.others.clear();
  both.size = {std::max(a.size.min, b.size.min), std::min(a.size.max, b.size.max)};
  AddProperties(a, b, expressions, &both);
  if (IsImpossible(both)) return std::optional<ObjectShape>();
  if (Status error = AddClasses(a, b, expressions, &both)) return std::move(*error);
  both.some = a.some;
  both.some.insert(both.some.end(), b.some.begin(), b.some.end());
  return std::optional<ObjectShape>(std::move(both));
}

Status Restrict(const Dfa& names, Expr value, Expressions* expressions, ObjectShape* object) {
  for (Property& property : object->properties) {
    if (names.Matches(property.name)) property.value = expressions->All({property.value, value});
  }
  std::vector<NameClass> classes;
  for (const NameClass& other : object->others) {
    Result<Dfa> inside = Intersection(other.names, names);
    if (!inside) return inside.error();
    Result<Dfa> outside = Difference(other.names, names);
    if (!outside) return outside.error();
    const Expr both = expressions->All({other.value, value});
    if (Status error = AddClass({*std::move(inside), both}, &classes)) return error;
    if (Status error = AddClass({*std::move(outside), other.value}, &classes)) return error;
  }
  object->others = std::move(classes);
  return std::nullopt;
}

Result<std::vector<ObjectShape>> Complement(const ObjectShape& object, Expressions* expressions) {
  std::vector<ObjectShape> others;
  if (object.size.min > 0) others.push_back(WithSize({0, object.size.min - 1}));
  if (object.size.max != kUnlimited) others.push_back(WithSize({object.size.max + 1, kUnlimited}));
  for (const Property& property : object.properties) {
    if (property.required) others.push_back(WithProperty(property.name, kNoValue, false));
    if (property.value != kAnyValue)
      others.push_back(WithProperty(property.name, expressions->Not(property.value), true));
  }
  for (const NameClass& other : object.others) {
    if (other.value == kAnyValue) continue;
    Result<Dfa> names = WithoutProperties(other.names, object);
    if (!names) return names.error();
    ObjectShape violating;
    violating.some.push_back({*std::move(names), expressions->Not(other.value)});
    others.push_back(std::move(violating));
  }
  for (const NameClass& some : object.some) {
    Result<ObjectShape> without = WithoutSome(some, expressions);
    if (!without) return without.error();
    others.push_back(*std::move(without));
  }
  return others;
}

}  // namespace sentiric::grammar
