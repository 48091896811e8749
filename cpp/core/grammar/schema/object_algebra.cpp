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
  return found != index.end() ? *found->second : Property{name, object.ValueOfOther(name), false};
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

Result<Dfa> Both(const Dfa& a, const Dfa& b) {
  if (a.IsAll()) return b;
  return b.IsAll() ? Result<Dfa>(a) : Intersection(a, b);
}

Status AddClasses(const ObjectShape& a, const ObjectShape& b, Expressions* expressions,
                  ObjectShape* both) {
  for (const NameClass& x : a.others) {
    for (const NameClass& y : b.others) {
      Result<Dfa> names = Both(x.names, y.names);
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

std::size_t WorkOf(const ObjectShape& object) {
  std::size_t work = 1 + 2 * object.properties.size();
  for (const NameClass& other : object.others) work += other.names.size() + other.names.num_edges();
  return work;
}

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
    const std::size_t work = inside->num_edges() + outside->num_edges();
    if (Status error = expressions->Spend(WorkBudget::kEdge * work)) return error;
    const Expr both = expressions->All({other.value, value});
    if (Status error = AddClass({*std::move(inside), both}, &classes)) return error;
    if (Status error = AddClass({*std::move(outside), other.value}, &classes)) return error;
  }
  object->others = std::move(classes);
  return std::nullopt;
}

namespace {

// Alternatives exclude each other: each violates one part and meets those before it. Otherwise
// complements of several objects would be products of what is the same.
class ObjectComplement {
 public:
  ObjectComplement(const ObjectShape& object, Expressions* expressions)
      : object_(object), expressions_(expressions) {}

  Result<std::vector<ObjectShape>> Run() {
    AddSize();
    for (const Property& property : object_.properties) AddProperty(property);
    if (Status error = AddOthers()) return std::move(*error);
    for (const NameClass& some : object_.some) {
      Result<ObjectShape> without = WithoutSome(some, expressions_);
      if (!without) return without.error();
      Add(*without, WithSome(some));
    }
    if (error_) return std::move(*error_);
    return std::move(others_);
  }

 private:
  static ObjectShape WithSome(const NameClass& some) {
    ObjectShape object;
    object.some.push_back(some);
    return object;
  }

  void Add(const ObjectShape& violating, const ObjectShape& meeting) {
    if (error_ || is_done_) return;
    const std::size_t work = 2 * WorkOf(met_) + WorkOf(violating) + WorkOf(meeting);
    if ((error_ = expressions_->Spend(work))) return;
    auto other = Intersection(met_, violating, expressions_);
    auto met = Intersection(met_, meeting, expressions_);
    if (!other || !met) {
      error_ = other ? met.error() : other.error();
      return;
    }
    if (*other) others_.push_back(**std::move(other));
    is_done_ = !*met;  // nothing meets all parts so far
    if (*met) met_ = **std::move(met);
  }

  void AddSize() {
    const LengthWindow size = object_.size;
    if (size.min > 0) Add(WithSize({0, size.min - 1}), WithSize({size.min, kUnlimited}));
    if (size.max != kUnlimited) Add(WithSize({size.max + 1, kUnlimited}), WithSize({0, size.max}));
  }

  void AddProperty(const Property& property) {
    const auto& [name, value, required] = property;
    if (required) Add(WithProperty(name, kNoValue, false), WithProperty(name, kAnyValue, true));
    if (value != kAnyValue)
      Add(WithProperty(name, expressions_->Not(value), true), WithProperty(name, value, false));
  }

  Status AddOthers() {
    for (const NameClass& other : object_.others) {
      if (other.value == kAnyValue) continue;
      Result<Dfa> names = WithoutProperties(other.names, object_);
      if (!names) return names.error();
      ObjectShape meeting;
      if (Status error = Restrict(*names, other.value, expressions_, &meeting)) return error;
      Add(WithSome({*std::move(names), expressions_->Not(other.value)}), meeting);
    }
    return std::nullopt;
  }

  const ObjectShape& object_;
  Expressions* const expressions_;
  ObjectShape met_;
  std::vector<ObjectShape> others_;
  Status error_;
  bool is_done_ = false;
};

}  // namespace

Result<std::vector<ObjectShape>> Complement(const ObjectShape& object, Expressions* expressions) {
  return ObjectComplement(object, expressions).Run();
}

}  // namespace sentiric::grammar
