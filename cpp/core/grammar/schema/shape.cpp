// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/shape.h"

namespace sentiric::grammar {

const Property* ObjectShape::Find(const std::string& name) const {
  for (const Property& property : properties) {
    if (property.name == name) return &property;
  }
  return nullptr;
}

Expr ObjectShape::ValueOf(const std::string& name) const {
  const Property* property = Find(name);
  return property != nullptr ? property->value : ValueOfOther(name);
}

Expr ObjectShape::ValueOfOther(const std::string& name) const {
  if (others.size() == 1) return others[0].value;
  for (const NameClass& other : others) {
    if (other.names.Matches(name)) return other.value;
  }
  return kNoValue;
}

Shape Shape::All() {
  Shape shape;
  shape.null = shape.no = shape.yes = true;
  shape.numbers = NumberSet::All();
  shape.texts = {TextSet{Dfa::All(), {}}};
  shape.arrays = {ArrayShape{}};
  shape.objects = {ObjectShape{}};
  return shape;
}

}  // namespace sentiric::grammar
